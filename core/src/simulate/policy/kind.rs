//! The names of the policies, and what is said of each.

/// Every policy that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::EnumString, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
#[allow(missing_docs)] // `about` says it, once.
pub enum Kind {
    Static,
    HpaGpu,
    HpaConcurrency,
    HpaRps,
    HpaKv,
    KedaQueue,
    Knative,
    RayServe,
    WvaV1,
    WvaV2,
    LlmdSlo,
    DynamoThroughput,
    DynamoLoad,
    AibrixApa,
    AibrixKpa,
    Clairvoyant,
}

/// What is said of a policy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct About {
    /// What it is.
    pub what: &'static str,
    /// What its parameter means.
    pub parameter: &'static str,
    /// What its users get; `None` = the parameter must be given.
    pub default: Option<f64>,
    /// The least and the most that the parameter may be.
    pub range: (f64, f64),
}

const fn about(what: &'static str, parameter: &'static str, default: f64, range: (f64, f64)) -> About {
    About {
        what,
        parameter,
        default: Some(default),
        range,
    }
}

const SHARE: (f64, f64) = (0.001, 1.0);
const COUNT: (f64, f64) = (0.01, 100_000.0);
const FACTOR: (f64, f64) = (0.05, 10.0);
const KV_USE: &str = "mean share of the KV cache in use";
const TARGETS: &str = "factor on the targets";

impl Kind {
    /// All of them.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// What is said of it.
    pub const fn about(self) -> About {
        match self {
            Self::Static => About {
                default: None,
                ..about("a fixed number of replicas", "replicas", 0.0, (0.0, 100_000.0))
            },
            Self::HpaGpu => about(
                "HorizontalPodAutoscaler on GPU utilisation",
                "mean share of the time busy",
                0.8,
                SHARE,
            ),
            Self::HpaConcurrency => about(
                "HorizontalPodAutoscaler on requests in the engine",
                "requests running and waiting for each replica",
                16.0,
                COUNT,
            ),
            Self::HpaRps => about(
                "HorizontalPodAutoscaler on requests a second",
                "share of what a replica can do inside the objective",
                0.7,
                FACTOR,
            ),
            Self::HpaKv => about("HorizontalPodAutoscaler on the KV cache", KV_USE, 0.5, SHARE),
            Self::KedaQueue => about(
                "KEDA on waiting requests",
                "requests waiting for each replica",
                5.0,
                COUNT,
            ),
            Self::Knative => about(
                "Knative Pod Autoscaler",
                "requests in flight for each replica",
                70.0,
                COUNT,
            ),
            Self::RayServe => about(
                "Ray Serve's default policy",
                "ongoing requests for each replica",
                2.0,
                COUNT,
            ),
            Self::WvaV1 => about(
                "llm-d Workload Variant Autoscaler, percentage analyzer",
                "share of the KV cache from which a replica is saturated",
                0.8,
                (0.11, 1.0),
            ),
            Self::WvaV2 => about(
                "llm-d Workload Variant Autoscaler, token analyzer",
                "share of the capacity in tokens above which it scales up",
                0.85,
                FACTOR,
            ),
            Self::LlmdSlo => about(
                "llm-d's latency-aware law over KEDA",
                "90th percentile over its target above which it scales up",
                0.55,
                FACTOR,
            ),
            Self::DynamoThroughput => about("NVIDIA Dynamo planner, throughput loop", TARGETS, 1.0, FACTOR),
            Self::DynamoLoad => about(
                "NVIDIA Dynamo planner, load loop above the throughput loop",
                TARGETS,
                1.0,
                FACTOR,
            ),
            Self::AibrixApa => about("AIBrix PodAutoscaler, APA", KV_USE, 0.5, SHARE),
            Self::AibrixKpa => about("AIBrix PodAutoscaler, KPA", KV_USE, 0.5, SHARE),
            Self::Clairvoyant => about(
                "knows the future, starts as slowly as everybody: a bound",
                "share of what a replica can do that is used",
                1.0,
                FACTOR,
            ),
        }
    }
}
