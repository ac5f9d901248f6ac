//! The terminal: takes it, draws each view and each key's effect, and gives it back however this ends. I/O.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event};
use ratatui::widgets::TableState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::draw::draw;
use super::keys::{Chosen, wish};
use super::rows::View;

/// How long a key is waited for before a new view or the end is looked for.
const GLANCE: Duration = Duration::from_millis(100);

/// The terminal in raw mode on its other screen; dropping it gives it back. A panic does too: the hook that comes
/// with it restores the terminal before the message is printed.
struct Screen(DefaultTerminal);

impl Screen {
    fn take() -> io::Result<Self> {
        ratatui::try_init().map(Self).inspect_err(|_| ratatui::restore())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Shows views until the user ends it, `stop` does, or no more views can come. Blocks its thread.
///
/// # Errors
/// When the terminal cannot be written to or read from.
pub fn run(mut views: watch::Receiver<Arc<View>>, stop: &CancellationToken, colour: bool) -> io::Result<()> {
    let mut screen = Screen::take()?;
    let mut chosen = Chosen::default();
    let mut scroll = TableState::default();
    while !chosen.quit && !stop.is_cancelled() {
        let view = views.borrow_and_update().clone();
        screen
            .0
            .draw(|frame| draw(frame, &view, &chosen, &mut scroll, colour))?;
        // Until there is something new to draw.
        while !stop.is_cancelled() {
            if event::poll(GLANCE)? {
                match event::read()? {
                    Event::Key(key) => match wish(key) {
                        Some(wish) => chosen.follow(wish, &view.objects),
                        None => continue,
                    },
                    Event::Resize(..) => {}
                    _ => continue,
                }
                break;
            }
            match views.has_changed() {
                Ok(true) => break,
                Ok(false) => {}
                Err(_) => return Err(io::Error::other("the reader of the fleet has ended")),
            }
        }
    }
    Ok(())
}
