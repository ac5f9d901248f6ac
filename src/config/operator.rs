//! The operator's own YAML file (`--config`).

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::time::Duration;

use inferscale_core::units::Span;

use super::document::{Node, Problems, parse};
use super::error::ConfigError;
use super::source::{MetricsSource, label};
use super::{files, quantity};

/// Everything that the administrator sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorConfig {
    /// Where metrics are read, at least one.
    pub metrics_sources: Vec<MetricsSource>,
    /// How often is looked and decided.
    pub timing: Timing,
    /// Where the operator itself listens.
    pub listen: Listen,
    /// Whether several operators choose the one that writes.
    pub leader_election: LeaderElection,
    /// A folder with more presets: `engines/*.yaml`.
    pub presets_directory: Option<PathBuf>,
    /// A folder with more profiles: `model/accelerator/precision.yaml`.
    pub profiles_directory: Option<PathBuf>,
}

/// How often is looked and decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The width of a demand bucket; every other time constant is a multiple of it.
    pub grid: Duration,
    /// The time between two looks at the fleet.
    pub tick: Duration,
}

impl Timing {
    /// The grid in production.
    pub const DEFAULT_GRID: Duration = Duration::from_secs(15);

    /// The same for the core.
    pub fn core(self) -> inferscale_core::snapshot::Timing {
        inferscale_core::snapshot::Timing {
            grid: Span::from_millis(i64::try_from(self.grid.as_millis()).unwrap_or(i64::MAX)),
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            grid: Self::DEFAULT_GRID,
            tick: Self::DEFAULT_GRID,
        }
    }
}

/// Where the operator listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// `/metrics`, `/livez` and `/readyz`. Port 0 takes a free one.
    pub metrics: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            metrics: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8080)),
        }
    }
}

/// Whether several operators choose the one that writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderElection {
    /// Off: this operator writes without asking, so there must be no other.
    pub enabled: bool,
    /// Where the Lease is; `None` = the namespace that the operator runs in.
    pub namespace: Option<String>,
}

impl Default for LeaderElection {
    fn default() -> Self {
        Self {
            enabled: true,
            namespace: None,
        }
    }
}

impl OperatorConfig {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read, or with everything that is wrong in it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&files::read(path)?, &path.display().to_string())
    }

    /// Checks the text of a file; `file` is its name in errors.
    ///
    /// # Errors
    /// With everything that is wrong in it.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let problems = Problems::default();
        let document = parse(text, &problems);
        // What is not YAML has no fields to complain about.
        let config = if document.is_null() && !text.trim().is_empty() {
            None
        } else {
            Self::read(&Node::root(&document, &problems))
        };
        problems.or(file, config)
    }

    /// The source of that name.
    pub fn source(&self, name: &str) -> Option<&MetricsSource> {
        self.metrics_sources.iter().find(|source| source.name == name)
    }

    fn read(root: &Node<'_>) -> Option<Self> {
        if !root.only(&[
            "metricsSources",
            "timing",
            "listen",
            "leaderElection",
            "presets",
            "profiles",
        ]) {
            return None;
        }
        Some(Self {
            metrics_sources: read_sources(&root.get("metricsSources")),
            timing: read_timing(&root.get("timing")),
            listen: read_listen(&root.get("listen")),
            leader_election: read_leader_election(&root.get("leaderElection")),
            presets_directory: read_directory(&root.get("presets")),
            profiles_directory: read_directory(&root.get("profiles")),
        })
    }
}

fn read_sources(node: &Node<'_>) -> Vec<MetricsSource> {
    const MOST: usize = 32;
    let items = node.items();
    if items.len() > MOST {
        node.wrong(format!("has {} entries: {MOST} is the most", items.len()));
        return Vec::new();
    }
    if items.is_empty() {
        node.wrong(
            "has no entries: without metrics nothing can be decided; \
             write at least one, such as [{name: default, url: http://prometheus.monitoring:9090}]",
        );
    }
    let mut sources: Vec<MetricsSource> = Vec::new();
    for item in items {
        let Some(source) = MetricsSource::read(&item) else {
            continue;
        };
        if let Some(first) = sources.iter().position(|other| other.name == source.name) {
            item.get("name").wrong(format!(
                "{:?} is also the name of metricsSources[{first}]: give each its own",
                source.name
            ));
        }
        sources.push(source);
    }
    sources
}

fn read_timing(node: &Node<'_>) -> Timing {
    node.only(&["grid", "tick"]);
    let between = |from: Duration, to: Duration| {
        move |text: &str| quantity::duration(text).filter(|time| (from..=to).contains(time))
    };
    let grid = node.get("grid").read(
        "a time between 1s and 5m: write one such as 15s",
        between(Duration::from_secs(1), Duration::from_secs(300)),
    );
    let grid = grid.unwrap_or(Timing::DEFAULT_GRID);
    let tick = node.get("tick").read(
        "a time between 200ms and 5m: write one such as 15s",
        between(Duration::from_millis(200), Duration::from_secs(300)),
    );
    let tick = tick.unwrap_or(grid);
    if tick > grid {
        node.get("tick").wrong(format!(
            "{} is longer than grid ({}): a bucket would close unseen; write at most the grid",
            node.get("tick").shown(),
            Span::from_millis(grid.as_millis() as i64),
        ));
    }
    Timing { grid, tick }
}

fn read_listen(node: &Node<'_>) -> Listen {
    node.only(&["metrics"]);
    let metrics = node
        .get("metrics")
        .read("an address with a port: write one such as 0.0.0.0:8080", |text| {
            text.parse().ok()
        });
    metrics.map_or_else(Listen::default, |metrics| Listen { metrics })
}

fn read_leader_election(node: &Node<'_>) -> LeaderElection {
    node.only(&["enabled", "namespace"]);
    let namespace = node.get("namespace").read(
        "a namespace: use at most 63 of a-z, 0-9 and -, such as inferscale-system",
        label,
    );
    let enabled = node.get("enabled").flag();
    LeaderElection {
        enabled: enabled.unwrap_or(LeaderElection::default().enabled),
        namespace,
    }
}

fn read_directory(node: &Node<'_>) -> Option<PathBuf> {
    node.only(&["directory"]);
    node.get("directory").text().map(PathBuf::from)
}

#[cfg(test)]
#[path = "operator_tests.rs"]
mod tests;
