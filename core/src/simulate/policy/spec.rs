//! Policies by name and parameter: how they are read and built.

use std::fmt;
use std::sync::Arc;

use super::aibrix::{Apa, Kpa};
use super::clairvoyant::Clairvoyant;
use super::dynamo::{EngineModel, Planned};
use super::fixed::Fixed;
use super::hpa::{Concurrency, Gpu, Hpa, Kv, Metric, Rps};
use super::keda_queue::Waiting;
use super::knative::Knative;
use super::llmd_slo::LlmdSlo;
use super::ray_serve::RayServe;
use super::wva::{V1, V2, Wva};
use super::{Kind, Policy};
use crate::performance::{self, EngineLimits, Profile, Workload};
use crate::snapshot::{ObjectSnapshot, Target};

/// A policy and its parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spec {
    kind: Kind,
    parameter: f64,
}

/// Why a text names no policy, or a policy cannot run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// No policy has this name.
    #[error(
        "policy '{name}' is not known: use one of {}, each with or without a parameter, as in hpa-rps:0.7",
        names()
    )]
    Name {
        /// What was given.
        name: String,
    },
    /// The parameter is not what this policy takes.
    #[error(
        "policy '{kind}:{given}': the parameter ({}) must be a number from {} to {}{}",
        kind.about().parameter, kind.about().range.0, kind.about().range.1, hint(*kind)
    )]
    Parameter {
        /// The policy.
        kind: Kind,
        /// What was given.
        given: String,
    },
    /// The variant that it would scale is not there.
    #[error("policy '{kind}' cannot scale variant number {variant}: the object has {variants}; name one of them")]
    Variant {
        /// The policy.
        kind: Kind,
        /// Its place in the spec, from 0.
        variant: usize,
        /// How many there are.
        variants: usize,
    },
    /// It needs to know what a replica can do.
    #[error(
        "policy '{kind}' needs to know what a replica of variant '{variant}' can do: set performance.profile, and targets \
         that a lone request meets"
    )]
    Capacity {
        /// The policy.
        kind: Kind,
        /// The variant.
        variant: String,
    },
}

fn names() -> String {
    let names: Vec<String> = Kind::ALL.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn hint(kind: Kind) -> String {
    match kind.about().default {
        Some(default) => format!("; without one it is {default}"),
        None => format!(", as in {kind}:4"),
    }
}

/// Reads `name` or `name:parameter`.
///
/// # Errors
/// When no policy has that name or it does not take that parameter.
pub fn parse(text: &str) -> Result<Spec, Error> {
    let (name, given) = match text.trim().split_once(':') {
        Some((name, given)) => (name.trim(), Some(given.trim())),
        None => (text.trim(), None),
    };
    let kind: Kind = name.parse().map_err(|_| Error::Name { name: shortened(name) })?;
    let wrong = || Error::Parameter {
        kind,
        given: shortened(given.unwrap_or_default()),
    };
    let parameter = match given {
        Some(given) => given.parse().map_err(|_| wrong())?,
        None => kind.about().default.ok_or_else(wrong)?,
    };
    Spec::new(kind, parameter)
}

/// Long enough to recognise, short enough for a line.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// What a policy is told when it is built.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The object.
    pub object: &'a ObjectSnapshot,
    /// The variant that a policy for one workload scales: its place in the spec.
    pub variant: usize,
    /// How the engines are started; a variant's own `max_sequences` beats it.
    pub engine: EngineLimits,
    /// The true mean tokens of the evaluated part, for the policies whose users must measure a replica.
    pub workload: Workload,
    /// Seconds from an order until the replica serves: what the clairvoyant allows for.
    pub lead_s: f64,
    /// Arrivals by second of the evaluated part, for the clairvoyant. Empty for the others.
    pub arrivals: Arc<[u32]>,
}

impl Context<'_> {
    fn limits(&self, variant: usize) -> EngineLimits {
        let own = self.object.variants.get(variant).and_then(|v| v.max_sequences);
        EngineLimits {
            max_sequences: own.unwrap_or(self.engine.max_sequences),
            ..self.engine
        }
    }
}

impl Spec {
    /// A policy with its parameter.
    ///
    /// # Errors
    /// When the policy does not take that parameter.
    pub fn new(kind: Kind, parameter: f64) -> Result<Self, Error> {
        let (least, most) = kind.about().range;
        let whole = kind != Kind::Static || parameter.fract() == 0.0;
        if (least..=most).contains(&parameter) && whole {
            Ok(Self { kind, parameter })
        } else {
            Err(Error::Parameter {
                kind,
                given: parameter.to_string(),
            })
        }
    }

    /// Which policy.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its parameter.
    pub fn parameter(&self) -> f64 {
        self.parameter
    }

    /// Builds it for one object.
    ///
    /// # Errors
    /// When the object lacks what the policy needs.
    pub fn build(&self, context: &Context<'_>) -> Result<Box<dyn Policy>, Error> {
        let (variant, parameter) = (context.variant, self.parameter);
        let variants = context.object.variants.len();
        if variant >= variants {
            return Err(Error::Variant {
                kind: self.kind,
                variant,
                variants,
            });
        }
        Ok(match self.kind {
            Kind::Static => Box::new(Fixed {
                variant,
                replicas: parameter as u32,
            }),
            Kind::HpaGpu => hpa(variant, Gpu { target: parameter }),
            Kind::HpaConcurrency => hpa(variant, Concurrency { target: parameter }),
            Kind::HpaRps => hpa(
                variant,
                Rps {
                    target: parameter * self.capacity(context)?,
                },
            ),
            Kind::HpaKv => hpa(variant, Kv { target: parameter }),
            Kind::KedaQueue => hpa(variant, Waiting { threshold: parameter }),
            Kind::Knative => Box::new(Knative::new(variant, parameter)),
            Kind::RayServe => Box::new(RayServe::new(variant, parameter)),
            Kind::WvaV1 => Box::new(Wva::new(V1 {
                kv_threshold: parameter,
            })),
            Kind::WvaV2 => {
                let limits = (0..variants).map(|i| context.limits(i)).collect();
                Box::new(Wva::new(V2::new(parameter, limits)))
            }
            Kind::LlmdSlo => Box::new(LlmdSlo::new(variant, parameter)),
            Kind::DynamoThroughput => self.planned(context)?.throughput(),
            Kind::DynamoLoad => self.planned(context)?.load(),
            Kind::AibrixApa => Box::new(Apa::new(variant, parameter)),
            Kind::AibrixKpa => Box::new(Kpa::new(variant, parameter)),
            Kind::Clairvoyant => {
                let capacity = parameter * self.capacity(context)?;
                Box::new(Clairvoyant::new(variant, &context.arrivals, context.lead_s, capacity))
            }
        })
    }

    /// Requests a second that a replica carries inside the objective.
    fn capacity(&self, context: &Context<'_>) -> Result<f64, Error> {
        let profile = self.profile(context)?;
        let limits = context.limits(context.variant);
        let capacity = performance::capacity(profile, context.workload, &context.object.objectives, limits);
        if capacity.requests_per_second > 0.0 {
            Ok(capacity.requests_per_second)
        } else {
            Err(self.unknown_capacity(context))
        }
    }

    fn planned(&self, context: &Context<'_>) -> Result<Planned, Error> {
        let profile = self.profile(context)?;
        let sla_ms = |target| {
            let limit = context.object.objectives.limit(target);
            limit.map_or(f64::INFINITY, |limit| self.parameter * 1000.0 * limit.as_secs_f64())
        };
        Ok(Planned {
            variant: context.variant,
            engine: EngineModel::new(profile, context.limits(context.variant)),
            ttft_ms: sla_ms(Target::TimeToFirstToken),
            itl_ms: sla_ms(Target::TimePerOutputToken),
        })
    }

    fn profile<'a>(&self, context: &Context<'a>) -> Result<&'a Profile, Error> {
        let variant = context.object.variants.get(context.variant);
        variant
            .and_then(|v| v.profile.as_deref())
            .ok_or_else(|| self.unknown_capacity(context))
    }

    fn unknown_capacity(&self, context: &Context<'_>) -> Error {
        let variant = context.object.variants.get(context.variant);
        Error::Capacity {
            kind: self.kind,
            variant: variant.map(|v| v.name.clone()).unwrap_or_default(),
        }
    }
}

/// `name:parameter`, as [`parse`] reads it.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.parameter)
    }
}

impl std::str::FromStr for Spec {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text)
    }
}

fn hpa<M: Metric + 'static>(variant: usize, metric: M) -> Box<dyn Policy> {
    Box::new(Hpa::new(variant, metric))
}
