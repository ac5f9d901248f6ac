//! What all tests of the operator share: the cluster with nodes and a pool, the engines, the one operator.

use std::sync::OnceLock;

use tokio::runtime::Runtime;
use tokio::sync::{Mutex, MutexGuard};

use super::engine::Engines;
use super::harness::{Cluster, cluster, repository};
use super::operator::Operator;
use super::turns::{Held, Turn, Turns};

static TURNS: Turns = Turns::new();

/// What all tests of the operator share.
pub struct Stage {
    pub cluster: &'static Cluster,
    pub engines: Engines,
    operator: Mutex<Operator>,
    /// The engines and the operator outlive the runtimes of the tests.
    _runtime: Runtime,
}

/// A test's turn on the stage, which lasts until it is dropped.
pub struct Act {
    pub stage: &'static Stage,
    _turn: Held,
}

impl std::ops::Deref for Act {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        self.stage
    }
}

/// Waits for a turn beside other tests, with a running operator.
pub async fn together() -> Act {
    with_operator(Turn::Together).await
}

/// Waits for a turn with a running operator and nobody else.
pub async fn alone() -> Act {
    with_operator(Turn::Alone).await
}

/// Waits for a turn beside other tests on a cluster in which no operator runs.
pub async fn without_operator() -> (&'static Cluster, Held) {
    let turn = TURNS.take(Turn::WithoutOperator).await;
    if let Some(stage) = STAGE.get() {
        stage.operator.lock().await.kill().await;
    }
    (cluster(), turn)
}

/// Waits for a turn of a test that leaves nothing for an operator to see.
pub async fn beside() -> (&'static Cluster, Held) {
    let turn = TURNS.take(Turn::Together).await;
    (cluster(), turn)
}

async fn with_operator(turn: Turn) -> Act {
    let held = TURNS.take(turn).await;
    let stage = STAGE.get_or_init(Stage::set_up);
    if turn == Turn::Alone {
        stage.cluster.clear();
    }
    stage.operator.lock().await.start().await;
    Act { stage, _turn: held }
}

static STAGE: OnceLock<Stage> = OnceLock::new();

impl Stage {
    fn set_up() -> Self {
        let cluster = cluster();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        // Of the tests without an operator, which may still look at their namespaces.
        cluster.must(&["delete", "infd", "--all", "--all-namespaces", "--timeout=30s"]);
        cluster.nodes("test-a100", 4, 90);
        let fixtures = repository().join("tests/cluster/fixtures.yaml");
        cluster.must(&["apply", "--server-side", "-f", fixtures.to_str().expect("a path")]);
        let (send, receive) = std::sync::mpsc::channel();
        runtime.spawn(async move {
            let _ = send.send(Engines::start(cluster.client().await));
        });
        Self {
            cluster,
            engines: receive.recv().expect("engines"),
            operator: Mutex::new(Operator::prepare(cluster, runtime.handle().clone(), "operator")),
            _runtime: runtime,
        }
    }

    /// The operator of this test run.
    pub async fn operator(&self) -> MutexGuard<'_, Operator> {
        self.operator.lock().await
    }
}
