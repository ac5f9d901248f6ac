//! From what is written to what is simulated: first the file alone, then the manifests, then the traces. I/O.

use std::path::Path;

use inferscale_core::performance::{Workload, capacity};

use super::manifests::{self, Described, Manifests};
use super::problem::{Problems, ScenarioError, unreadable};
use super::world::{self, duration};
use super::written::{Written, WrittenLoad};
use super::{Object, Scenario, World, load};
use crate::simulate::load::Load;
use crate::simulate::policies::Named;

/// A century of 15-minute windows and a fleet of a hundred objects are no scenario.
const MOST_OBJECTS: usize = 100;
/// No part is longer: a year.
const MOST_DURATION_S: f64 = 366.0 * 86_400.0;

/// Checks a text and reads all that it names, relative to `folder`.
pub(super) fn check(file: &str, text: &str, folder: &Path) -> Result<Scenario, ScenarioError> {
    let written: Written = serde_yaml::from_str(text).map_err(|error| unreadable(file, &error))?;
    let mut problems = Problems::new(file, text);
    let history_s = duration(
        &mut problems,
        &["history"],
        written.history.as_deref(),
        0.0,
        (0.0, MOST_DURATION_S),
    );
    let warm_up_s = duration(
        &mut problems,
        &["warmUp"],
        written.warm_up.as_deref(),
        900.0,
        (0.0, 86_400.0),
    );
    let duration_s = written.duration.as_deref();
    let duration_s =
        duration_s.map(|text| duration(&mut problems, &["duration"], Some(text), 0.0, (60.0, MOST_DURATION_S)));
    let mut world = world::check(&written.world, &mut problems);
    for (name, load) in &written.loads {
        load::check(name, load, history_s, &mut problems);
    }
    not_empty(&written, &mut problems);
    problems.done()?;

    let manifests = read_manifests(&written, folder, &world)?;
    let mut problems = Problems::new(file, text);
    pools(&mut world, &manifests, &mut problems);
    let pairs = pair(&written, &manifests, &mut problems);
    problems.done()?;

    let mut problems = Problems::new(file, text);
    let mut opened = Vec::new();
    for (name, load, described) in pairs {
        let one = load::open(name, load, history_s, folder, &mut problems)?;
        opened.push((name, load, described, one));
    }
    let rest_s = opened.iter().map(|(.., one)| one.end_s - one.start_s);
    let duration_s = duration_s.unwrap_or_else(|| rest_s.fold(f64::INFINITY, f64::min).max(60.0));
    if warm_up_s >= duration_s {
        problems.add(
            &["warmUp"],
            format!("lasts {warm_up_s:.0} s, but only {duration_s:.0} s are played: the score would be of nothing; set a shorter warmUp"),
        );
    }
    problems.done()?;

    let mut problems = Problems::new(file, text);
    let mut objects = Vec::new();
    for (name, load, described, one) in opened {
        let closed = one.close(duration_s, &mut problems)?;
        objects.push(object(name, load, described, closed, &world, &mut problems));
    }
    problems.done()?;
    Ok(Scenario {
        file: file.to_owned(),
        seed: written.seed.unwrap_or(1),
        duration_s,
        warm_up_s,
        hash: hash(text, &manifests.text, &written, folder)?,
        objects,
        world,
        policies: written
            .policies
            .iter()
            .filter_map(|policy| policy.parse().ok())
            .collect(),
    })
}

fn not_empty(written: &Written, problems: &mut Problems<'_>) {
    if written.loads.is_empty() {
        problems.add(
            &["loads"],
            "is empty: name at least one load, such as chat: {trace: requests.csv.gz}",
        );
    }
    if written.loads.len() > MOST_OBJECTS {
        problems.add(
            &["loads"],
            format!("has more than {MOST_OBJECTS} loads: split the scenario"),
        );
    }
    if written.manifests.is_empty() {
        problems.add(
            &["manifests"],
            "is empty: name the files of your InferenceDeployment and GpuPool, such as [chat.yaml]",
        );
    }
    if written.policies.is_empty() {
        problems.add(
            &["policies"],
            "is empty: name at least one, such as [inferscale, \"hpa-rps:0.7\"]",
        );
    }
    for (index, policy) in written.policies.iter().enumerate() {
        if let Err(wrong) = policy.parse::<Named>() {
            problems.add(&["policies", &index.to_string()], wrong);
        }
    }
}

fn read_manifests(written: &Written, folder: &Path, world: &World) -> Result<Manifests, ScenarioError> {
    let mut files = Vec::new();
    for file in &written.manifests {
        let path = folder.join(file);
        files.push((path.display().to_string(), crate::config::read_text(&path)?));
    }
    let profiles = written.profiles.as_ref().map(|path| folder.join(path));
    manifests::read(&files, profiles.as_deref(), world.timing)
}

/// Gives pools the size of their nodes.
fn pools(world: &mut World, manifests: &Manifests, problems: &mut Problems<'_>) {
    for pool in &mut world.pools {
        match manifests.per_node.get(&pool.name) {
            Some(accelerators) => pool.accelerators_per_node = (*accelerators).max(1),
            None => problems.add(
                &["world", "nodes", &pool.name],
                "is no pool: no manifest is a GpuPool of that name",
            ),
        }
    }
}

/// Finds the object of each load and the load of each object.
fn pair<'a>(
    written: &'a Written,
    manifests: &'a Manifests,
    problems: &mut Problems<'_>,
) -> Vec<(&'a str, &'a WrittenLoad, &'a Described)> {
    let names = |described: &Described, name: &str| described.key.name == name || described.key.to_string() == name;
    let mut pairs = Vec::new();
    for (name, load) in &written.loads {
        let found: Vec<&Described> = manifests
            .objects
            .iter()
            .filter(|described| names(described, name))
            .collect();
        match found.as_slice() {
            [one] => pairs.push((name.as_str(), load, *one)),
            [] => {
                let known: Vec<&str> = manifests
                    .objects
                    .iter()
                    .map(|described| described.key.name.as_str())
                    .collect();
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                problems.add(
                    &["loads", name],
                    format!(
                        "is the traffic of no object: call it as an InferenceDeployment in the manifests ({known})"
                    ),
                );
            }
            _ => problems.add(
                &["loads", name],
                "may be the traffic of several objects: write namespace/name",
            ),
        }
    }
    for described in &manifests.objects {
        if !written.loads.keys().any(|name| names(described, name)) {
            problems.add(
                &["loads"],
                format!(
                    "has no load for the InferenceDeployment {}: add one, or take it out of the manifests",
                    described.key
                ),
            );
        }
    }
    pairs
}

fn object(
    name: &str,
    written: &WrittenLoad,
    described: &Described,
    load: Load,
    world: &World,
    problems: &mut Problems<'_>,
) -> Object {
    let mut spec = described.spec.clone();
    for (variant, most) in written.max_sequences.iter().flatten() {
        match spec.variants.iter_mut().find(|known| known.name == *variant) {
            Some(known) if *most > 0 => known.max_sequences = Some(*most),
            Some(_) => problems.add(&["loads", name, "maxSequences", variant], "is 0 but must be at least 1"),
            None => problems.add(
                &["loads", name, "maxSequences", variant],
                format!("is no variant of {}", described.key),
            ),
        }
    }
    let initial = match (&described.replicas, written.initial_replicas) {
        (_, Some(total)) => on_cheapest(&spec, &load, world, |_| f64::from(total)),
        (Some(replicas), None) => replicas.clone(),
        (None, None) => on_cheapest(&spec, &load, world, |capacity| {
            (1.2 * load.first_rate() / capacity).ceil()
        }),
    };
    Object {
        key: described.key.clone(),
        spec,
        load,
        initial,
    }
}

/// Replicas of the variant that serves the load for the least money, by the requests/s that one carries.
fn on_cheapest(
    spec: &inferscale_core::snapshot::ObjectSnapshot,
    load: &Load,
    world: &World,
    replicas: impl Fn(f64) -> f64,
) -> Vec<u32> {
    let workload = Workload {
        prompt_tokens: load.facts.prompt_tokens,
        output_tokens: load.facts.output_tokens,
    };
    let carries: Vec<f64> = spec
        .variants
        .iter()
        .map(|variant| {
            let mut limits = world.engine;
            limits.max_sequences = variant.max_sequences.unwrap_or(limits.max_sequences);
            let profile = variant.profile.as_deref();
            profile.map_or(0.0, |profile| {
                capacity(profile, workload, &spec.objectives, limits).requests_per_second
            })
        })
        .collect();
    let cost = |index: usize| {
        let variant = spec.variants.get(index);
        let price = variant
            .and_then(|variant| variant.replica_price())
            .map_or(1.0, |price| price.get());
        price / carries.get(index).copied().unwrap_or(0.0).max(1e-9)
    };
    let cheapest = (0..carries.len())
        .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
        .unwrap_or(0);
    let wanted = replicas(carries.get(cheapest).copied().unwrap_or(0.0).max(1e-3)).clamp(0.0, 10_000.0) as u32;
    let own = |(index, variant): (usize, &inferscale_core::snapshot::VariantSnapshot)| {
        if index == cheapest {
            variant.replicas.clamp(spec.replicas.clamp(wanted))
        } else {
            variant.replicas.min
        }
    };
    spec.variants.iter().enumerate().map(own).collect()
}

/// FNV-1a over the texts and the bytes of every trace.
fn hash(text: &str, manifests: &str, written: &Written, folder: &Path) -> Result<String, ScenarioError> {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut feed = |bytes: &[u8]| {
        for byte in bytes {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    feed(text.as_bytes());
    feed(manifests.as_bytes());
    for load in written.loads.values() {
        let tokens = load.tokens.as_ref().and_then(|tokens| tokens.file.as_ref());
        for file in std::iter::once(&load.trace.file).chain(tokens) {
            crate::trace::each_block(&folder.join(file), &mut feed)?;
        }
    }
    Ok(format!("{state:016x}"))
}
