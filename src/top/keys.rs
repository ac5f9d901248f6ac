//! What a key means, and what it does to the selection. Pure.

use inferscale_core::snapshot::ObjectKey;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::rows::Row;

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To end at once.
    Quit,
    /// To close what lies on top, else to end.
    Leave,
    /// To see the keys and what the columns mean, or no longer.
    Help,
    /// Another row, so many further.
    Move(isize),
    /// The first row.
    First,
    /// The last row.
    Last,
}

/// Rows of a page.
const PAGE: isize = 10;

/// The keys, for the help.
pub const KEYS: &[(&str, &str)] = &[
    ("up down k j", "select another object"),
    ("PgUp PgDn Home End", "the same in larger steps"),
    ("? h", "this help"),
    ("q Esc Ctrl-C", "end"),
];

/// What a key means; `None` = nothing.
pub fn wish(key: KeyEvent) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return matches!(key.code, KeyCode::Char('c' | 'd')).then_some(Wish::Quit);
    }
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Leave),
        KeyCode::Char('?' | 'h') => Some(Wish::Help),
        KeyCode::Up | KeyCode::Char('k') => Some(Wish::Move(-1)),
        KeyCode::Down | KeyCode::Char('j') => Some(Wish::Move(1)),
        KeyCode::PageUp => Some(Wish::Move(-PAGE)),
        KeyCode::PageDown => Some(Wish::Move(PAGE)),
        KeyCode::Home | KeyCode::Char('g') => Some(Wish::First),
        KeyCode::End | KeyCode::Char('G') => Some(Wish::Last),
        _ => None,
    }
}

/// What the user has chosen to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// The object whose details are shown; the first one until another is chosen.
    object: Option<ObjectKey>,
    /// Where it stood: its place is kept when it goes.
    place: usize,
    /// The help stands over the table.
    pub help: bool,
    /// The user wants to end.
    pub quit: bool,
}

impl Chosen {
    /// The place of the chosen object among these rows.
    pub fn place(&self, rows: &[Row]) -> Option<usize> {
        let last = rows.len().checked_sub(1)?;
        let same = self
            .object
            .as_ref()
            .and_then(|key| rows.iter().position(|row| row.key() == *key));
        Some(same.unwrap_or(self.place).min(last))
    }

    /// Does what the user wants.
    pub fn follow(&mut self, wish: Wish, rows: &[Row]) {
        match wish {
            Wish::Leave if self.help => self.help = false,
            Wish::Leave | Wish::Quit => self.quit = true,
            Wish::Help => self.help = !self.help,
            Wish::Move(by) => self.choose(self.place(rows).unwrap_or(0).saturating_add_signed(by), rows),
            Wish::First => self.choose(0, rows),
            Wish::Last => self.choose(usize::MAX, rows),
        }
    }

    fn choose(&mut self, place: usize, rows: &[Row]) {
        self.place = place.min(rows.len().saturating_sub(1));
        self.object = rows.get(self.place).map(Row::key);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::fixture;
    use super::*;

    #[rstest]
    #[case(KeyCode::Char('q'), KeyModifiers::NONE, Some(Wish::Leave))]
    #[case(KeyCode::Char('c'), KeyModifiers::CONTROL, Some(Wish::Quit))]
    #[case(KeyCode::Char('c'), KeyModifiers::NONE, None)]
    #[case(KeyCode::Char('G'), KeyModifiers::SHIFT, Some(Wish::Last))]
    #[case(KeyCode::Down, KeyModifiers::NONE, Some(Wish::Move(1)))]
    #[case(KeyCode::Tab, KeyModifiers::NONE, None)]
    fn a_key_means(#[case] code: KeyCode, #[case] modifiers: KeyModifiers, #[case] expected: Option<Wish>) {
        assert_eq!(wish(KeyEvent::new(code, modifiers)), expected);
    }

    #[test]
    fn a_key_that_is_let_go_means_nothing() {
        let key = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(wish(key), None);
    }

    #[test]
    fn the_selection_stays_inside_and_with_its_object() {
        let mut rows = fixture::view().objects;
        let mut chosen = Chosen::default();
        assert_eq!(chosen.place(&rows), Some(0));
        chosen.follow(Wish::Move(-1), &rows);
        assert_eq!(chosen.place(&rows), Some(0));
        chosen.follow(Wish::Move(2), &rows);
        assert_eq!(chosen.place(&rows), Some(2));
        rows.remove(0);
        assert_eq!(
            chosen.place(&rows),
            Some(1),
            "another row went, the object stays chosen"
        );
        rows.remove(1);
        assert_eq!(chosen.place(&rows), Some(1), "the object went, its neighbour is chosen");
        chosen.follow(Wish::Last, &rows);
        chosen.follow(Wish::Move(10), &rows);
        assert_eq!(chosen.place(&rows), Some(1));
        assert_eq!(chosen.place(&[]), None);
        chosen.follow(Wish::Last, &[]);
        assert_eq!(chosen.place(&rows), Some(0));
    }

    #[test]
    fn leaving_closes_the_help_first_and_ctrl_c_does_not_wait_for_it() {
        let mut chosen = Chosen::default();
        chosen.follow(Wish::Help, &[]);
        chosen.follow(Wish::Leave, &[]);
        assert_eq!((chosen.help, chosen.quit), (false, false));
        chosen.follow(Wish::Help, &[]);
        chosen.follow(Wish::Quit, &[]);
        assert!(chosen.quit);
    }
}
