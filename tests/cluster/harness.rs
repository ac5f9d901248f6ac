//! Starts the cluster of `e2e/cluster` once, and gives tests what they need of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::io::AsyncWriteExt;

/// No command that a test starts takes longer.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// The label of the namespaces that tests make.
const TEST_LABEL: &str = "test.inferscale.dev/run";

/// A running cluster, with the definitions of `crds/` in it.
pub struct Cluster {
    env: BTreeMap<String, String>,
    namespaces: AtomicU32,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// The one cluster of this test run. It is started by the first test that asks, and goes when this process goes,
/// however that ends.
pub fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        // Two crates bring rustls; without a chosen provider the first TLS connection would panic.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .expect("no other TLS provider");
        let cluster = Cluster {
            env: start(),
            namespaces: AtomicU32::new(0),
        };
        cluster.install_definitions();
        cluster.clear();
        cluster
    })
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn start() -> BTreeMap<String, String> {
    let pid = std::process::id().to_string();
    let kept = std::env::var("INFERSCALE_TEST_CLUSTER").ok();
    let mut up = Command::new(repository().join("e2e/cluster/up"));
    up.args(["--prometheus", "--scrape-interval", "1s", "--name"]);
    match &kept {
        Some(name) => up.arg(name),
        None => up.args([&format!("test-{pid}"), "--owner", &pid]),
    };
    // The name given above counts, not the cluster that the shell talks about.
    up.env_remove("INFERSCALE_CLUSTER_DIR")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = up.output().expect("e2e/cluster/up");
    assert!(output.status.success(), "e2e/cluster/up failed: {}", output.status);
    let path = String::from_utf8(output.stdout).expect("a path").trim().to_owned();
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    // `export KEY='value'` a line; PATH, which is written otherwise, is of no use here.
    text.lines()
        .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
        .filter_map(|(key, value)| Some((key.to_owned(), value.strip_prefix('\'')?.strip_suffix('\'')?.to_owned())))
        .collect()
}

impl Cluster {
    /// A value of the cluster's env file, such as `PROMETHEUS_URL`.
    pub fn env(&self, key: &str) -> &str {
        self.env
            .get(key)
            .unwrap_or_else(|| panic!("the cluster's env file has no {key}"))
    }

    /// Runs `kubectl`, which must succeed; gives what it prints.
    pub fn must(&self, arguments: &[&str]) -> String {
        self.script("kubectl", arguments)
    }

    /// Runs a script of the repository or a program of the cluster, which must succeed; gives what it prints.
    pub fn script(&self, name: &str, arguments: &[&str]) -> String {
        let path = if name.contains('/') {
            repository().join(name)
        } else {
            self.program(name)
        };
        let output = Command::new(path)
            .args(arguments)
            .env("KUBECONFIG", self.env("KUBECONFIG"))
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs a program of `e2e/cluster` on this cluster, which must succeed.
    pub fn tool(&self, name: &str, arguments: &[&str]) {
        let output = Command::new(repository().join("e2e/cluster").join(name))
            .args(arguments)
            .args(["--name", self.env("INFERSCALE_CLUSTER_NAME")])
            .env_remove("INFERSCALE_CLUSTER_DIR")
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("e2e/cluster/{name}: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "e2e/cluster/{name} {arguments:?}: {errors}");
    }

    /// Gives a pool so many nodes with so many accelerators each.
    pub fn nodes(&self, pool: &str, count: u32, gpus: u32) {
        let (count, gpus) = (count.to_string(), gpus.to_string());
        self.tool("nodes", &["--pool", pool, "--count", &count, "--gpus", &gpus]);
    }

    /// Takes away what earlier tests left, in this run or in one before it on a cluster that was kept.
    pub fn clear(&self) {
        self.must(&["delete", "infd", "--all", "--all-namespaces", "--timeout=30s"]);
        self.must(&["delete", "namespace", "-l", TEST_LABEL, "--wait=false"]);
    }

    /// A program of the cluster, such as `kubectl`.
    pub fn program(&self, name: &str) -> PathBuf {
        Path::new(self.env("INFERSCALE_BIN")).join(name)
    }

    /// A client that may do everything. One for each test: it lives on the test's own runtime.
    pub async fn client(&self) -> kube::Client {
        let kubeconfig = Kubeconfig::read_from(self.env("KUBECONFIG")).expect("a kubeconfig");
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        kube::Client::try_from(config.expect("a usable kubeconfig")).expect("a client")
    }

    /// A new namespace. `purpose` makes it recognisable in logs.
    pub async fn namespace(&self, client: &kube::Client, purpose: &str) -> String {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        let namespace = Namespace {
            metadata: ObjectMeta {
                // A kept cluster still has those of the runs before.
                name: Some(format!("{purpose}-{}-{number}", std::process::id())),
                labels: Some(BTreeMap::from([(TEST_LABEL.to_owned(), "true".to_owned())])),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let created = Api::<Namespace>::all(client.clone())
            .create(&PostParams::default(), &namespace)
            .await;
        created.expect("a namespace").metadata.name.expect("a name")
    }

    /// Runs `kubectl` with `input` on its standard input.
    pub async fn kubectl(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = tokio::process::Command::new(self.program("kubectl"))
            .args(arguments)
            .env("KUBECONFIG", self.env("KUBECONFIG"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("kubectl");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin
            .write_all(input.as_bytes())
            .await
            .expect("kubectl reads its input");
        drop(stdin);
        let output = tokio::time::timeout(COMMAND_TIMEOUT, child.wait_with_output()).await;
        let output = output
            .unwrap_or_else(|_| panic!("kubectl {arguments:?} takes too long"))
            .expect("an end");
        Said {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Puts `crds/` into the cluster and waits until it serves them. Without a warning: users would see it.
    pub fn install_definitions(&self) {
        let crds = repository().join("crds");
        let crds = crds.to_str().expect("a path");
        for arguments in [
            vec!["apply", "--server-side", "--force-conflicts", "-f", crds],
            vec!["wait", "--for=condition=Established", "--timeout=30s", "-f", crds],
        ] {
            let output = Command::new(self.program("kubectl"))
                .args(&arguments)
                .env("KUBECONFIG", self.env("KUBECONFIG"))
                .output()
                .expect("kubectl");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && errors.is_empty(),
                "kubectl {arguments:?}: {errors}"
            );
        }
    }
}
