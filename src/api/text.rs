//! Keeps texts inside the lengths that the schema allows. Pure.

/// The longest name in status: of a variant, a target, an input, a reason. Characters.
pub const NAME: usize = 63;
/// The longest value in status, such as that of an input. Characters.
pub const VALUE: usize = 64;
/// The longest message of a decision or a condition. Characters.
pub const MESSAGE: usize = 1024;
/// The longest message of a change in the history, so that five of them stay under 2 KB. Characters.
pub const HISTORY_MESSAGE: usize = 256;
/// The longest text that describes a set of replicas, or says why it lost. Characters.
pub const CANDIDATE: usize = 256;

/// `text` cut to `limit` characters, with an ellipsis in the last place where something was cut.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    if limit > 0 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::shorten;

    #[rstest]
    #[case("short", 5, "short")]
    #[case("longer", 5, "long…")]
    #[case("äöüß", 4, "äöüß")]
    #[case("äöüßx", 4, "äöü…")]
    #[case("x", 0, "")]
    fn cuts_by_characters_and_shows_that_it_did(#[case] text: &str, #[case] limit: usize, #[case] short: &str) {
        assert_eq!(shorten(text, limit), short);
    }
}
