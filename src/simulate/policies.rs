//! The policies of a scenario by name: `inferscale`, or a rival with its parameter and the variant that it scales. Pure.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use inferscale_core::performance::{EngineLimits, Workload};
use inferscale_core::simulate::policy::inferscale::InferScale;
use inferscale_core::simulate::policy::{Context, Kind, Policy, Spec, clairvoyant};

use super::scenario::Object;

/// A policy as a scenario names it.
#[derive(Debug, Clone, PartialEq)]
pub enum Named {
    /// The operator's own plan.
    Inferscale,
    /// What others use.
    Rival {
        /// As it was written.
        text: String,
        /// Its formula and parameter.
        spec: Spec,
        /// The variant that it scales; `None` = the first.
        variant: Option<String>,
    },
    /// The future, at the cheapest point of its grid that reaches the objective.
    Clairvoyant {
        /// The variant that it scales; `None` = the first.
        variant: Option<String>,
    },
}

impl Named {
    /// What is run for it: itself, or each point of a grid of which the best is kept.
    pub fn points(&self) -> Vec<Self> {
        let Self::Clairvoyant { variant } = self else {
            return vec![self.clone()];
        };
        let point = |share: &f64| {
            let spec = Spec::new(Kind::Clairvoyant, *share).ok()?;
            Some(Self::Rival {
                text: spec.to_string(),
                spec,
                variant: variant.clone(),
            })
        };
        clairvoyant::GRID.iter().filter_map(point).collect()
    }

    /// Whether it must be told what will arrive.
    pub fn knows_the_future(&self) -> bool {
        match self {
            Self::Inferscale => false,
            Self::Clairvoyant { .. } => true,
            Self::Rival { spec, .. } => spec.kind() == Kind::Clairvoyant,
        }
    }

    /// Builds it for an object. `arrivals` by second are read by the clairvoyant only.
    ///
    /// # Errors
    /// The object lacks what it needs, in words for people.
    pub fn build(
        &self,
        object: &Object,
        engine: EngineLimits,
        lead_s: f64,
        arrivals: Arc<[u32]>,
    ) -> Result<Box<dyn Policy>, String> {
        let (spec, variant) = match self {
            Self::Inferscale => return Ok(Box::new(InferScale::default())),
            Self::Rival { spec, variant, .. } => (*spec, variant),
            // Its points are what is run; by itself it is the middle of its grid.
            Self::Clairvoyant { variant } => (
                Spec::new(Kind::Clairvoyant, 1.0).map_err(|error| error.to_string())?,
                variant,
            ),
        };
        let place = |name: &String| {
            let found = object.spec.variants.iter().position(|known| known.name == *name);
            found.ok_or_else(|| {
                let known: Vec<&str> = object.spec.variants.iter().map(|known| known.name.as_str()).collect();
                format!(
                    "policy {self}: {} has no variant {name:?}; it has {}",
                    object.key,
                    known.join(", ")
                )
            })
        };
        let context = Context {
            object: &object.spec,
            variant: variant.as_ref().map(place).transpose()?.unwrap_or(0),
            engine,
            workload: Workload {
                prompt_tokens: object.load.facts.prompt_tokens,
                output_tokens: object.load.facts.output_tokens,
            },
            lead_s,
            arrivals,
        };
        spec.build(&context).map_err(|error| format!("{}: {error}", object.key))
    }
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, variant) = match text.split_once('@') {
            Some((name, variant)) => (name, Some(variant.to_owned())),
            None => (text, None),
        };
        match name {
            "inferscale" if variant.is_none() => Ok(Self::Inferscale),
            "inferscale" => {
                Err("inferscale chooses among the variants itself: leave out what stands after @".to_owned())
            }
            "clairvoyant" => Ok(Self::Clairvoyant { variant }),
            _ => Ok(Self::Rival {
                spec: name
                    .parse()
                    .map_err(|error: inferscale_core::simulate::policy::Error| {
                        error.to_string().replace("use one of ", "use inferscale or one of ")
                    })?,
                text: text.to_owned(),
                variant,
            }),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inferscale => f.write_str("inferscale"),
            Self::Rival { text, .. } => f.write_str(text),
            Self::Clairvoyant { variant: None } => f.write_str("clairvoyant"),
            Self::Clairvoyant { variant: Some(variant) } => write!(f, "clairvoyant@{variant}"),
        }
    }
}
