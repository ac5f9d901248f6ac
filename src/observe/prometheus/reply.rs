//! Reads the JSON of an answer into series, keeping only what the join needs and stopping at a limit. No I/O.
//!
//! The types of prometheus-http-query would do, but they fail the whole answer at one bad sample, keep every label of
//! every series in a map of its own and have no limit on the number of samples.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::failure::{Failure, FailureClass};
use super::sample::{Scalar, WireSample};

/// The most series of one answer: 10,000 objects with 2 pods each, 5 ranks or finish reasons, twice over.
const MOST_SERIES: usize = 200_000;
/// The most samples of one answer, 16 bytes each.
const MOST_SAMPLES: usize = 4_000_000;
/// The most labels of one series.
const MOST_LABELS: usize = 64;
/// Prefixes the text of an error of ours, so that it is told apart from the parser's.
const LIMIT: &str = "limit: ";

/// One series as it came.
pub(super) struct WireSeries<'a> {
    pub(super) labels: Labels<'a>,
    pub(super) samples: Vec<WireSample>,
}

/// The labels of a series.
#[derive(Default)]
pub(super) struct Labels<'a> {
    pub(super) pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// There were more than are read.
    pub(super) too_many: bool,
}

impl Labels<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(key, _)| key == name)?;
        Some(value.as_ref()).filter(|value| !value.is_empty())
    }
}

/// Calls `each` with every series of an answer to a range selector; returns how many warnings came with it.
///
/// # Errors
/// When it is no such answer, or larger than a limit. Series seen until then must not be used.
pub(super) fn read(body: &[u8], each: &mut dyn FnMut(WireSeries<'_>)) -> Result<usize, Failure> {
    let mut sink = Sink {
        each,
        series: 0,
        samples: 0,
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let envelope = EnvelopeSeed(&mut sink)
        .deserialize(&mut json)
        .and_then(|envelope| json.end().map(|()| envelope))
        .map_err(|error| failure(&error))?;
    match envelope.status.as_deref() {
        Some("success") => {}
        Some("error") => {
            return Err(Failure::new(
                FailureClass::Rejected,
                format!(
                    "Prometheus refused the query ({})",
                    error_type(envelope.error_type.as_deref())
                ),
            ));
        }
        _ => {
            return Err(malformed(
                "the answer has no status: is this the address of a Prometheus?",
            ));
        }
    }
    match envelope.result_type.as_deref() {
        Some("matrix") => Ok(envelope.warnings),
        _ => Err(malformed(
            "the answer holds something else than the series that were asked for",
        )),
    }
}

/// The error that a refusal with an HTTP status carries in its body, when it is one of Prometheus.
pub(super) fn refusal(body: &[u8]) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Refusal {
        status: String,
        #[serde(rename = "errorType")]
        error_type: String,
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    (refusal.status == "error").then(|| error_type(Some(&refusal.error_type)))
}

fn malformed(message: &str) -> Failure {
    Failure::new(FailureClass::Malformed, message)
}

/// Only words of our own: what the server says may hold what was sent to it.
fn error_type(text: Option<&str>) -> &'static str {
    const KNOWN: [&str; 8] = [
        "timeout",
        "canceled",
        "execution",
        "bad_data",
        "internal",
        "unavailable",
        "not_found",
        "too_many_requests",
    ];
    KNOWN
        .into_iter()
        .find(|known| Some(*known) == text)
        .unwrap_or("no known type of error")
}

/// The parser's own text may quote the body, so only the kind and the place are kept.
fn failure(error: &serde_json::Error) -> Failure {
    let text = error.to_string();
    if let Some(limit) = text.strip_prefix(LIMIT) {
        // serde_json appends " at line 1 column N".
        let limit = limit.split(" at line").next().unwrap_or_default();
        return Failure::new(FailureClass::TooLarge, limit);
    }
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the answer ends too early",
        serde_json::error::Category::Data => "the answer has another shape than Prometheus gives it",
        _ => "the answer is not JSON",
    };
    malformed(&format!("{what} (line {} column {})", error.line(), error.column()))
}

struct Sink<'s> {
    each: &'s mut dyn FnMut(WireSeries<'_>),
    series: usize,
    samples: usize,
}

#[derive(Default)]
struct Envelope<'a> {
    status: Option<Cow<'a, str>>,
    error_type: Option<Cow<'a, str>>,
    result_type: Option<Cow<'a, str>>,
    warnings: usize,
}

/// A text that borrows from the body where it can.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct EnvelopeSeed<'x, 's>(&'x mut Sink<'s>);

impl<'de> DeserializeSeed<'de> for EnvelopeSeed<'_, '_> {
    type Value = Envelope<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EnvelopeSeed<'_, '_> {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer of Prometheus")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        let mut data_seen = false;
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "status" => envelope.status = Some(map.next_value::<Text<'de>>()?.0),
                "errorType" => envelope.error_type = Some(map.next_value::<Text<'de>>()?.0),
                "warnings" => envelope.warnings = map.next_value::<Count>()?.0,
                "data" if data_seen => return Err(A::Error::custom("data twice")),
                "data" => {
                    data_seen = true;
                    envelope.result_type = map.next_value_seed(DataSeed(self.0))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

/// How many entries a list has; anything else counts as one.
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Option::<Vec<IgnoredAny>>::deserialize(deserializer)?;
        Ok(Self(list.map_or(0, |list| list.len())))
    }
}

struct DataSeed<'x, 's>(&'x mut Sink<'s>);

impl<'de> DeserializeSeed<'de> for DataSeed<'_, '_> {
    type Value = Option<Cow<'de, str>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_, '_> {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data of an answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut result_type = None;
        let mut result_seen = false;
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "resultType" => result_type = Some(map.next_value::<Text<'de>>()?.0),
                "result" if result_seen => return Err(A::Error::custom("result twice")),
                "result" => {
                    result_seen = true;
                    map.next_value_seed(ResultSeed(self.0))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        // Without a list of series this is not an answer that says "none", it is no answer.
        Ok(result_type.filter(|_| result_seen))
    }
}

struct ResultSeed<'x, 's>(&'x mut Sink<'s>);

impl<'de> DeserializeSeed<'de> for ResultSeed<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ResultSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let sink = self.0;
        while let Some(series) = seq.next_element_seed(SeriesSeed(MOST_SAMPLES - sink.samples))? {
            sink.series += 1;
            sink.samples += series.samples.len();
            if sink.series > MOST_SERIES {
                return Err(A::Error::custom(format_args!(
                    "{LIMIT}the answer has more than {MOST_SERIES} series"
                )));
            }
            (sink.each)(series);
        }
        Ok(())
    }
}

/// Carries how many samples may still come.
struct SeriesSeed(usize);

impl<'de> DeserializeSeed<'de> for SeriesSeed {
    type Value = WireSeries<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SeriesSeed {
    type Value = WireSeries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut series = WireSeries {
            labels: Labels::default(),
            samples: Vec::new(),
        };
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "metric" => series.labels = map.next_value()?,
                "values" => series.samples = map.next_value_seed(SamplesSeed(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(series)
    }
}

impl<'de> Deserialize<'de> for Labels<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelsVisitor;
        impl<'de> Visitor<'de> for LabelsVisitor {
            type Value = Labels<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut labels = Labels::default();
                while let Some(Text(name)) = map.next_key()? {
                    if labels.pairs.len() < MOST_LABELS {
                        labels.pairs.push((name, map.next_value::<Text<'de>>()?.0));
                    } else {
                        labels.too_many = true;
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(labels)
            }
        }
        deserializer.deserialize_map(LabelsVisitor)
    }
}

/// Carries how many samples may still come.
struct SamplesSeed(usize);

impl<'de> DeserializeSeed<'de> for SamplesSeed {
    type Value = Vec<WireSample>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SamplesSeed {
    type Value = Vec<WireSample>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut samples = Vec::new();
        while let Some((time, value)) = seq.next_element::<(Scalar, Scalar)>()? {
            if samples.len() >= self.0 {
                return Err(A::Error::custom(format_args!(
                    "{LIMIT}the answer has more than {MOST_SAMPLES} samples"
                )));
            }
            samples.push(WireSample::new(&time, &value));
        }
        Ok(samples)
    }
}
