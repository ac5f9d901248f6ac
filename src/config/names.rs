//! Names that people type: which known one did they mean?

use std::fmt;

/// A name that nothing is known by, with what is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no {what} {name:?}{}{}", Hint(.closest.as_deref()), Known(.known))]
pub struct UnknownName {
    /// What was looked for, such as `engine preset`.
    pub what: &'static str,
    /// The name as given, cut to a length fit for a message.
    pub name: String,
    /// The known name that was probably meant.
    pub closest: Option<String>,
    /// Every known name, sorted.
    pub known: Vec<String>,
}

impl UnknownName {
    pub(super) fn new<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let mut known: Vec<String> = known.map(str::to_owned).collect();
        known.sort_unstable();
        Self {
            what,
            name: cut(name),
            closest: closest(name, known.iter().map(String::as_str)).map(str::to_owned),
            known,
        }
    }
}

struct Hint<'a>(Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, "; did you mean {name:?}?"))
    }
}

struct Known<'a>(&'a [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A message must stay readable with hundreds of profiles.
        const SHOWN: usize = 12;
        match self.0 {
            [] => f.write_str("; none is known"),
            known => {
                let shown: Vec<&str> = known.iter().take(SHOWN).map(String::as_str).collect();
                write!(f, "; known: {}", shown.join(", "))?;
                match known.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
        }
    }
}

/// At most 80 characters of a text, for a message.
pub(super) fn cut(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The known name nearest to `name`, when it is near enough to be a slip: a third of its letters at most.
pub(super) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any name here: not a slip, and the distance below costs the product of both lengths.
    if name.len() > 100 {
        return None;
    }
    let wanted = name.to_lowercase();
    known
        .map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or exchanged to turn one text into the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.windows(2)) {
            let &[diagonal, up] = above else { continue };
            left = (diagonal + usize::from(x != *y)).min(up + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("vllm", Some("vLLM"))]
    #[case("sg-lang", Some("SGLang"))]
    #[case("triton", None)]
    #[case("", None)]
    fn a_slip_finds_the_name_that_was_meant(#[case] typed: &str, #[case] meant: Option<&str>) {
        assert_eq!(closest(typed, ["SGLang", "vLLM"].into_iter()), meant);
    }

    #[test]
    fn an_unknown_name_lists_what_is_known() {
        let error = UnknownName::new("engine preset", "vlm", ["vLLM", "SGLang"].into_iter());
        assert_eq!(
            error.to_string(),
            "there is no engine preset \"vlm\"; did you mean \"vLLM\"?; known: SGLang, vLLM"
        );
    }

    #[test]
    fn a_long_name_is_cut_between_letters() {
        assert_eq!(cut(&"ü".repeat(100)), format!("{}…", "ü".repeat(80)));
    }
}
