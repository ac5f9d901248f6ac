//! From an InferenceDeployment as it is stored to the core's types, or to what the user must mend. Pure.
//!
//! The schema has checked most of it already; what it cannot check is a stored object that is older than the schema,
//! and every name of something else.

use std::sync::Arc;

use inferscale_core::performance::Profile;
use inferscale_core::snapshot::{Bounds, Mode, Objective, Objectives, Override, Target};

use crate::api::inference_deployment::MOST_REPLICAS;
use crate::api::{self, InferenceDeployment, Malformed, TargetRef};
use crate::config::{EnginePreset, OperatorConfig, Presets, Profiles};

/// An object that can be decided on.
#[derive(Debug, Clone)]
pub struct Valid {
    /// The engine's preset.
    pub preset: Arc<EnginePreset>,
    /// The name of the metrics source.
    pub source: String,
    /// How far the operator may go.
    pub mode: Mode,
    /// The latency objective.
    pub objectives: Objectives,
    /// Bounds over all variants.
    pub replicas: Bounds,
    /// The person's order.
    pub replicas_override: Option<Override>,
    /// The variants.
    pub variants: Vec<ValidVariant>,
}

/// A variant that can be decided on.
#[derive(Debug, Clone)]
pub struct ValidVariant {
    /// Its name.
    pub name: String,
    /// What is scaled.
    pub target: TargetRef,
    /// The pool it names, whether that exists or not.
    pub pool: Option<String>,
    /// Bounds of this variant.
    pub replicas: Bounds,
    /// The seed of its performance model.
    pub profile: Option<Arc<Profile>>,
}

/// What the user must mend before anything can be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Why, as a reason of the conditions Ready and Stalled.
    pub reason: api::Reason,
    /// Why, for people: field, value, rule, fix.
    pub message: String,
}

impl From<Malformed> for Invalid {
    fn from(error: Malformed) -> Self {
        Self {
            reason: api::Reason::Malformed,
            message: error.to_string(),
        }
    }
}

/// Checks an object against what the administrator has defined.
///
/// # Errors
/// The first thing that the user must mend.
pub fn validate(
    object: &InferenceDeployment,
    config: &OperatorConfig,
    presets: &Presets,
    profiles: &Profiles,
) -> Result<Valid, Invalid> {
    let spec = &object.spec;
    let preset = presets.engine(&spec.engine).map_err(|unknown| Invalid {
        reason: api::Reason::EngineUnknown,
        message: format!("spec.engine: {unknown}"),
    })?;
    if config.source(&spec.metrics_source).is_none() {
        let known: Vec<&str> = config.metrics_sources.iter().map(|s| s.name.as_str()).collect();
        return Err(Invalid {
            reason: api::Reason::MetricsSourceUnknown,
            message: format!(
                "spec.metricsSource: there is no metrics source {:?}; known: {}",
                spec.metrics_source,
                known.join(", ")
            ),
        });
    }
    let replicas = bounds("spec.replicas", 1, spec.replicas.min, spec.replicas.max)?;
    let mut variants = Vec::with_capacity(spec.variants.len());
    for (i, variant) in spec.variants.iter().enumerate() {
        let profile = variant.performance.as_ref().map(|p| {
            profiles.get(&p.profile).cloned().map_err(|unknown| Invalid {
                reason: api::Reason::ProfileUnknown,
                message: format!("spec.variants[{i}].performance.profile: {unknown}"),
            })
        });
        let own = variant.replicas.unwrap_or_default();
        let own = bounds(
            &format!("spec.variants[{i}].replicas"),
            0,
            own.min,
            own.max.unwrap_or(replicas.max),
        )?;
        let place = |target: &TargetRef| {
            let group = target.api_version.rsplit_once('/').map(|(group, _)| group.to_owned());
            (group, target.kind.clone(), target.name.clone())
        };
        // The schema compares the whole reference; two versions of one group name the same workload all the same.
        if let Some(first) = variants
            .iter()
            .position(|v: &ValidVariant| place(&v.target) == place(&variant.target_ref))
        {
            return Err(malformed(format!(
                "spec.variants[{i}].targetRef names the same workload as spec.variants[{first}].targetRef: give each \
                 variant a workload of its own"
            )));
        }
        variants.push(ValidVariant {
            name: variant.name.clone(),
            target: variant.target_ref.clone(),
            pool: variant.pool.clone(),
            replicas: own,
            profile: profile.transpose()?,
        });
    }
    if variants.is_empty() {
        return Err(malformed("spec.variants is empty but must have at least one variant"));
    }
    Ok(Valid {
        preset: preset.clone(),
        source: spec.metrics_source.clone(),
        mode: match spec.mode {
            api::Mode::Auto => Mode::Auto,
            api::Mode::Advise => Mode::Advise,
            api::Mode::Paused => Mode::Paused,
        },
        objectives: objectives(&spec.objectives)?,
        replicas,
        replicas_override: spec.replicas_override.as_ref().map(|o| Override {
            replicas: o.replicas,
            until: o.until.map(api::Timestamp::time),
        }),
        variants,
    })
}

fn malformed(message: impl Into<String>) -> Invalid {
    Invalid {
        reason: api::Reason::Malformed,
        message: message.into(),
    }
}

/// Bounds as the schema has them: a maximum of zero that was stored under another one would be an order to stop.
fn bounds(field: &str, least: u32, min: u32, max: u32) -> Result<Bounds, Invalid> {
    for (name, value, least) in [("min", min, least), ("max", max, 1)] {
        if !(least..=MOST_REPLICAS).contains(&value) {
            return Err(malformed(format!(
                "{field}.{name} is {value} but must be between {least} and {MOST_REPLICAS}: write one such as {}",
                least.max(1)
            )));
        }
    }
    Ok(Bounds { min, max })
}

fn objectives(spec: &api::Objectives) -> Result<Objectives, Invalid> {
    let limits = [
        (
            Target::TimeToFirstToken,
            &spec.time_to_first_token,
            api::Objectives::TIME_TO_FIRST_TOKEN,
        ),
        (
            Target::TimePerOutputToken,
            &spec.time_per_output_token,
            api::Objectives::TIME_PER_OUTPUT_TOKEN,
        ),
    ];
    let mut targets = Vec::new();
    for (target, limit, range) in limits {
        if let Some(limit) = limit {
            let field: &'static str = target.into();
            targets.push(Objective {
                target,
                limit: limit.span(&format!("spec.objectives.{field}"), range)?,
            });
        }
    }
    if targets.is_empty() {
        return Err(malformed(
            "spec.objectives has no target: set timeToFirstToken or timePerOutputToken",
        ));
    }
    Ok(Objectives {
        attainment: spec.attainment.ratio("spec.objectives.attainment")?,
        window: spec.window.span("spec.objectives.window", api::Objectives::WINDOW)?,
        targets,
    })
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
