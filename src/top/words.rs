//! Numbers and texts as the table shows them. Pure.

use inferscale_core::units::Span;

/// What is not known.
pub const UNKNOWN: &str = "-";

/// A text from the cluster without anything that would move a terminal's cursor, on one line.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A length of time in its largest unit, as kubectl shows ages: `12s`, `4m`, `3h`, `5d`.
pub fn age(span: Span) -> String {
    let seconds = span.as_millis().max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A rate of requests: `0.4/s`, `7.2/s`, `123/s`.
pub fn rate(per_second: f64) -> String {
    if per_second < 100.0 {
        format!("{per_second:.1}/s")
    } else {
        format!("{per_second:.0}/s")
    }
}

/// At most `width` characters; `…` stands for what was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Lines of at most `width` characters, broken between words where there are any.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        let used = line.chars().count();
        if used > 0 && used + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
        }
        // A word that is wider than any line, such as an address.
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0s")]
    #[case(-5, "0s")]
    #[case(119, "119s")]
    #[case(120, "2m")]
    #[case(7200, "2h")]
    #[case(172_800, "2d")]
    fn an_age_has_one_unit(#[case] seconds: i64, #[case] text: &str) {
        assert_eq!(age(Span::from_secs(seconds)), text);
    }

    #[rstest]
    #[case(0.0, "0.0/s")]
    #[case(7.23, "7.2/s")]
    #[case(1234.5, "1234/s")]
    fn a_rate_has_a_decimal_while_it_is_small(#[case] rate_: f64, #[case] text: &str) {
        assert_eq!(rate(rate_), text);
    }

    #[test]
    fn what_would_move_the_cursor_is_taken_out() {
        assert_eq!(clean("a\u{1b}[2Jb\nc"), "a [2Jb c");
        assert_eq!(cut("chat-large", 6), "chat-…");
        assert_eq!(cut("chat", 4), "chat");
    }

    #[rstest]
    #[case("", 10, &[])]
    #[case("one two three", 7, &["one two", "three"])]
    #[case("a http://prometheus b", 10, &["a", "http://pro", "metheus b"])]
    #[case("abc", 0, &["a", "b", "c"])]
    fn long_texts_are_broken_between_words(#[case] text: &str, #[case] width: usize, #[case] lines: &[&str]) {
        assert_eq!(wrap(text, width), lines);
    }
}
