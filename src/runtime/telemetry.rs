//! Logs: to stderr, as text for people or as JSON lines for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What is logged when nothing is said: our own doings, and the trouble of the libraries.
const DEFAULT_FILTER: &str = "warn,inferscale=info";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// One line of text an event
    #[default]
    Text,
    /// One JSON object an event
    Json,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("RUST_LOG: {value:?} is no filter ({reason}): write one such as info or warn,inferscale=debug")]
    Filter {
        /// As it was given.
        value: String,
        /// Why, for people.
        reason: String,
    },
    /// Somebody else has started it.
    #[error("logging has been started twice in this process")]
    Twice,
}

/// Starts logging for the whole process. `filter` is the value of `RUST_LOG`, where there is one.
///
/// # Errors
/// When the filter cannot be read, or logging was started before.
pub fn init(format: LogFormat, filter: Option<&str>) -> Result<(), TelemetryError> {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let subscriber = subscriber(format, filter, colour, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)
}

fn subscriber<W>(
    format: LogFormat,
    filter: Option<&str>,
    colour: bool,
    writer: W,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let text = filter.filter(|text| !text.is_empty()).unwrap_or(DEFAULT_FILTER);
    let filter = EnvFilter::try_new(text).map_err(|error| TelemetryError::Filter {
        value: text.chars().take(100).collect(),
        reason: error.to_string(),
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    Ok(match format {
        LogFormat::Text => Box::new(builder.with_ansi(colour).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).with_ansi(false).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(format: LogFormat, filter: Option<&str>) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = subscriber(format, filter, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(decision = "d-1", "scaled");
            tracing::debug!("detail");
            tracing::info!(target: "somebody_else", "chatter");
        });
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_carry_the_fields_at_the_top() {
        let text = log(LogFormat::Json, None);
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!((&line["message"], &line["decision"]), (&"scaled".into(), &"d-1".into()));
    }

    #[test]
    fn the_filter_chooses_what_is_logged() {
        assert!(log(LogFormat::Text, Some("debug")).contains("detail"));
        assert_eq!(log(LogFormat::Text, Some("error")), "");
        assert!(log(LogFormat::Text, Some("")).contains("scaled"), "empty is not set");
    }

    #[test]
    fn a_filter_that_is_none_is_an_error_that_shows_it() {
        let error = subscriber(LogFormat::Text, Some("inferscale=loud"), false, std::io::stderr);
        let error = error.err().unwrap().to_string();
        assert!(
            error.starts_with("RUST_LOG: \"inferscale=loud\" is no filter"),
            "{error}"
        );
    }
}
