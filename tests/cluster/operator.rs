//! The operator under test: the real binary as a process of its own, with the rights of its ServiceAccount.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;

use super::harness::{Cluster, repository};

/// Whose rights it has, and whose name stands in the audit log.
pub const USER: &str = "system:serviceaccount:inferscale-system:inferscale";

/// The time between two looks at the fleet.
pub const TICK: Duration = Duration::from_secs(1);

const START: Duration = Duration::from_secs(30);

/// The operator of this test run, running or not.
pub struct Operator {
    config: PathBuf,
    kubeconfig: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    /// Where children are started from. A child dies with the thread that started it, and a test's thread ends
    /// with the test.
    home: Handle,
    child: Option<Child>,
    cluster: &'static Cluster,
    name: String,
}

impl Operator {
    /// Gives the operator what the chart would: its rights, its configuration; and a kubeconfig with the token of its
    /// ServiceAccount.
    pub fn prepare(cluster: &'static Cluster, home: Handle, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("operator-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        // Taken and given back: the operator binds it anew each time that it starts.
        let address = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = address.local_addr().expect("an address");
        let release = Release::render(cluster, address);
        let rights = folder.join("rights.yaml");
        std::fs::write(&rights, &release.rights).expect("a file");
        cluster.must(&["apply", "--server-side", "-f", rights.to_str().expect("a path")]);
        let config = folder.join("config.yaml");
        std::fs::write(&config, &release.config).expect("a file");
        let kubeconfig = folder.join("kubeconfig");
        std::fs::write(&kubeconfig, cluster.script("e2e/chart/kubeconfig", &[])).expect("a file");
        Self {
            config,
            kubeconfig,
            log: folder.join("log"),
            address,
            home,
            child: None,
            cluster,
            name: name.to_owned(),
        }
    }

    /// Another one beside it, with the same rights.
    pub fn another(&self, name: &str) -> Self {
        Self::prepare(self.cluster, self.home.clone(), name)
    }

    /// Starts it unless it runs, and waits until it is ready. It leads at once: the Lease of one that was killed is given
    /// back for it. How long others wait for that is the business of the tests of the fail-over.
    pub async fn start(&mut self) {
        if !self.runs() {
            self.give_back_lease().await;
        }
        self.stand().await;
    }

    /// Whether it runs, or is paused.
    pub fn runs(&mut self) -> bool {
        let child = self.child.as_mut();
        child.is_some_and(|child| child.try_wait().expect("a child").is_none())
    }

    /// Takes the Lease away from whoever had it.
    pub async fn give_back_lease(&self) {
        let nobody = r#"--patch={"spec": {"holderIdentity": ""}}"#;
        let patch = [
            "patch",
            "lease",
            "inferscale",
            "-n",
            "inferscale-system",
            "--type=merge",
            nobody,
        ];
        let said = self.cluster.kubectl(&patch, "").await;
        assert!(said.success || said.stderr.contains("not found"), "{}", said.stderr);
    }

    /// Starts it unless it runs, and waits until it is ready, leading or not.
    pub async fn stand(&mut self) {
        if let Some(child) = &mut self.child
            && child.try_wait().expect("a child").is_none()
        {
            return;
        }
        let log = std::fs::File::options().create(true).append(true).open(&self.log);
        let mut command = Command::new("setpriv");
        command
            .args([
                "--pdeathsig",
                "KILL",
                env!("CARGO_BIN_EXE_inferscale"),
                "operator",
                "--config",
            ])
            .arg(&self.config)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("RUST_LOG", "warn,inferscale=debug")
            .env("POD_NAME", &self.name)
            // One of several goes with the test that started it.
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log"));
        let child = self.home.spawn(async move { command.spawn().expect("setpriv") });
        self.child = Some(child.await.expect("no panic"));
        let deadline = Instant::now() + START;
        while self.get("/readyz").await.is_none() {
            assert!(
                Instant::now() < deadline,
                "the operator is not ready after {START:?}:\n{}",
                self.log_of("")
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// SIGKILL: no time for anything.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.expect("a child");
        }
    }

    /// Sends a signal, such as `STOP`.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.as_ref().and_then(Child::id).expect("it runs").to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().await;
        assert!(sent.expect("kill").success());
    }

    /// Waits for its end after a signal.
    pub async fn ended(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let end = tokio::time::timeout(START, child.wait()).await;
        let status = end.expect("it ends").expect("a child");
        assert!(status.success(), "{status}:\n{}", self.log_of(""));
    }

    /// The body of a successful answer of its own HTTP server.
    pub async fn get(&self, path: &str) -> Option<String> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5));
        let answer = client
            .build()
            .expect("a client")
            .get(format!("http://{}{path}", self.address));
        let answer = answer.send().await.ok()?.error_for_status().ok()?;
        answer.text().await.ok()
    }

    /// The sum of a metric's series that have all `labels`, such as `cause="not_finite"`.
    pub async fn metric(&self, name: &str, labels: &str) -> f64 {
        let text = self.get("/metrics").await.expect("the operator's metrics");
        let of_it = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(labels)
        });
        of_it
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// The last lines of its log that have `word` in them.
    pub fn log_of(&self, word: &str) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(word)).collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

/// What `helm install` would bring into the cluster, as far as a process beside the cluster needs it.
struct Release {
    /// ServiceAccount, roles and their bindings.
    rights: String,
    /// The file that the operator's pod would see.
    config: String,
}

impl Release {
    fn render(cluster: &Cluster, address: SocketAddr) -> Self {
        let set = |name: &str, value: &str| format!("--set={name}={value}");
        let rendered = cluster.script(
            "helm",
            &[
                "template",
                "inferscale",
                repository().join("charts/inferscale").to_str().expect("a path"),
                "--namespace=inferscale-system",
                &set("metricsSources[0].name", "default"),
                &set("metricsSources[0].url", cluster.env("PROMETHEUS_URL")),
                &set("timing.grid", "1s"),
                &set("listen.address", &address.ip().to_string()),
                &set("listen.port", &address.port().to_string()),
                // As the values say how a kind of another vendor is added.
                &set("scaleTargets[1].group", "test.inferscale.dev"),
                &set("scaleTargets[1].resources", "{modelservers}"),
                &set("scaleTargets[0].group", "apps"),
                &set("scaleTargets[0].resources", "{deployments,statefulsets}"),
            ],
        );
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "inferscale-system"}});
        let (mut rights, mut config) = (vec![namespace], None);
        for document in serde_yaml::Deserializer::from_str(&rendered) {
            let object = Value::deserialize(document).expect("YAML");
            match object["kind"].as_str() {
                Some("ServiceAccount" | "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding") => {
                    rights.push(object);
                }
                Some("ConfigMap") if config.is_none() => {
                    config = object["data"]["config.yaml"].as_str().map(str::to_owned);
                }
                _ => {}
            }
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": rights});
        Self {
            rights: list.to_string(),
            config: config.expect("a ConfigMap with config.yaml"),
        }
    }
}
