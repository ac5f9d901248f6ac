//! The measured runs of `benches/data/validation/`, by configuration.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use inferscale_core::performance::{EngineLimits, Profile};
use inferscale_core::simulate::engine::Request;

use crate::replay::{Load, Means, Run};

/// One model on one accelerator in one precision, and what was measured on it.
pub struct Configuration {
    pub name: String,
    pub profile: Profile,
    /// Where the step law comes from, when not from a fit to tables of this very configuration.
    pub note: &'static str,
    pub runs: Vec<Run>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/data/validation")
}

/// The rows of a file, each a map of column to text.
fn rows(file: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(folder().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        header
            .iter()
            .zip(line.split(','))
            .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
            .collect()
    };
    lines.map(row).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column]
        .parse()
        .unwrap_or_else(|e| panic!("{column}: {}: {e}", row[column]))
}

fn profile(path: &Path) -> Profile {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn shipped(name: &str) -> Profile {
    profile(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../profiles/{name}.yaml")))
}

/// splitmix64, for lengths and arrivals.
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    fn length(&mut self, shortest_share: f64, longest: f64) -> u32 {
        let shortest = shortest_share * longest;
        (shortest + self.uniform() * (longest - shortest)).round() as u32
    }
}

/// The closed loops: each run is ten requests a client, lengths drawn as the benchmark drew them.
pub fn closed_loops() -> Vec<Configuration> {
    let mut all: BTreeMap<String, Configuration> = BTreeMap::new();
    for row in rows("closed_loop.csv") {
        let name = row["profile"].clone();
        let configuration = all.entry(name.clone()).or_insert_with(|| {
            let mut profile = shipped(&name);
            let wide_cache = number(&row, "kv_bytes") / number(&row, "profile_kv_bytes");
            profile.kv_capacity_tokens = (profile.kv_capacity_tokens as f64 / wide_cache) as u64;
            profile.step.e_ms_per_kv_token *= wide_cache;
            Configuration {
                name,
                profile,
                note: "",
                runs: Vec::new(),
            }
        });
        let (isl, osl, shortest) = (number(&row, "isl"), number(&row, "osl"), number(&row, "shortest_share"));
        let concurrency = number(&row, "concurrency") as usize;
        let mut draw = Draw::new(1);
        let requests: Vec<Request> = (0..10 * concurrency as u64)
            .map(|id| Request {
                id,
                prompt_tokens: draw.length(shortest, isl),
                output_tokens: draw.length(shortest, osl),
            })
            .collect();
        let (ttft_ms, tpot_ms) = (number(&row, "ttft_ms"), number(&row, "tpot_ms"));
        let tokens = requests.iter().map(|r| f64::from(r.output_tokens)).sum::<f64>() / requests.len() as f64;
        configuration.runs.push(Run {
            load: Load::Closed { concurrency, requests },
            limits: EngineLimits {
                max_sequences: number(&row, "max_sequences") as u32,
                max_tokens_per_step: number(&row, "max_tokens_per_step") as u32,
            },
            ahead: number(&row, "ahead") > 0.0,
            measured: Means {
                ttft_ms,
                tpot_ms,
                throughput: concurrency as f64 * tokens / (ttft_ms + tpot_ms * (tokens - 1.0)) * 1000.0,
            },
        });
    }
    all.into_values().collect()
}

/// The recorded requests of a vLLM server, offered again as they came.
pub fn recorded(file: &str, name: &str, profile: Profile, max_sequences: u32, note: &'static str) -> Configuration {
    let rows = rows(file);
    let request = |(id, row): (usize, &BTreeMap<String, String>)| {
        let request = Request {
            id: id as u64,
            prompt_tokens: number(row, "input_tokens") as u32,
            output_tokens: number(row, "output_tokens") as u32,
        };
        (number(row, "arrival_s"), request)
    };
    let n = rows.len() as f64;
    let mean = |f: &dyn Fn(&BTreeMap<String, String>) -> f64| rows.iter().map(f).sum::<f64>() / n;
    let tokens: f64 = rows.iter().map(|r| number(r, "output_tokens")).sum();
    let last = rows.iter().map(|r| number(r, "last_token_s")).fold(0.0, f64::max);
    let measured = Means {
        ttft_ms: mean(&|r| number(r, "first_token_s") - number(r, "arrival_s")) * 1000.0,
        tpot_ms: mean(&|r| {
            (number(r, "last_token_s") - number(r, "first_token_s")) / (number(r, "output_tokens") - 1.0)
        }) * 1000.0,
        throughput: tokens / last,
    };
    Configuration {
        name: name.to_owned(),
        profile,
        note,
        runs: vec![Run {
            load: Load::Open(rows.iter().enumerate().map(request).collect()),
            limits: EngineLimits {
                max_sequences,
                max_tokens_per_step: 2048,
            },
            ahead: true,
            measured,
        }],
    }
}

/// The client of the open loop adds this to every time to first token, in ms: it is what is left at the lowest rates.
const OPEN_LOOP_CLIENT_MS: f64 = 280.0;

/// Phi-4-mini under Poisson arrivals at six rates.
fn open_loop() -> Configuration {
    let run = |row: &BTreeMap<String, String>| {
        let mut draw = Draw::new(2);
        let mut at = 0.0;
        let arrivals = (0..number(row, "n") as u64).map(|id| {
            at += draw.exponential(1.0 / number(row, "offered_rps"));
            let request = Request {
                id,
                prompt_tokens: 200,
                output_tokens: 200,
            };
            (at, request)
        });
        let ttft_ms = number(row, "ttft_mean_ms") - OPEN_LOOP_CLIENT_MS;
        Run {
            load: Load::Open(arrivals.collect()),
            limits: EngineLimits::default(),
            ahead: false,
            measured: Means {
                // At low rates only the client is left, to a hundredth of a second.
                ttft_ms: if ttft_ms > 50.0 { ttft_ms } else { f64::NAN },
                tpot_ms: number(row, "itl_mean_ms"),
                throughput: number(row, "out_tok_s"),
            },
        }
    };
    Configuration {
        name: "phi-4-mini/a100/bf16".to_owned(),
        profile: scaled("phi-4-mini-a100"),
        note: "no table: scaled from Llama-3.1-8B",
        runs: rows("open_loop_phi4_a100.csv").iter().map(run).collect(),
    }
}

fn scaled(name: &str) -> Profile {
    profile(&folder().join(format!("profiles/{name}.yaml")))
}

/// All configurations.
pub fn all() -> Vec<Configuration> {
    let pro = "llama-3.1-8b/rtx-pro-6000/bf16";
    let mut all = closed_loops();
    all.push(recorded("replay_rtxpro6000.csv", pro, shipped(pro), 128, ""));
    all.push(recorded(
        "replay_rtx4090.csv",
        "llama-3.1-8b/rtx-4090/bf16",
        scaled("llama-3.1-8b-rtx-4090"),
        256,
        "no table: scaled from the L40S by data sheets",
    ));
    all.push(open_loop());
    all
}
