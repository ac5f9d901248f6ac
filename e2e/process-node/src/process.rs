//! Starts, stops and observes one real process through its guard. I/O: processes and the pod's log file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use crate::annotation::Wish;

/// A running process. Dropping it kills the process and everything it started.
#[derive(Debug)]
pub(crate) struct Process {
    guard: Child,
    /// Closing it is the order to kill.
    orders: Option<ChildStdin>,
}

impl Process {
    /// Starts the process; what it prints is appended to the log.
    pub(crate) fn start(wish: &Wish, log: &Path) -> io::Result<Self> {
        let output = open_log(wish, log)?;
        // Not the path of this program: it may have been rebuilt since it was started.
        let mut guard = Command::new("/proc/self/exe")
            .args(["guard", "--"])
            .args(&wish.command)
            .envs(&wish.environment)
            // A process of a pod is nobody in the cluster.
            .env_remove("KUBECONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(output))
            .process_group(0) // Ctrl-C at the terminal is for this program alone, which then stops them in order
            .spawn()?;
        let orders = guard.stdin.take();
        Ok(Self { guard, orders })
    }

    /// Waits for the end: the exit code, 128 + N after signal N. May be dropped and called again.
    pub(crate) async fn ended(&mut self) -> i32 {
        // `Child::wait` closes standard input, the order to kill, unless it was taken out: `start` took it.
        match self.guard.wait().await {
            Ok(status) => status.code().unwrap_or(255),
            Err(_) => 255,
        }
    }

    /// Asks the process to end: SIGTERM.
    pub(crate) async fn terminate(&mut self) {
        if let Some(orders) = &mut self.orders {
            // Fails only when the guard has ended, which `ended` reports.
            let _ = orders.write_all(b"t").await;
        }
    }

    /// SIGKILL for the process and everything it started.
    pub(crate) fn kill(&mut self) {
        self.orders = None;
    }
}

fn open_log(wish: &Wish, path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut log = OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(log, "process-node: {} {:?}", jiff::Timestamp::now(), wish.command)?;
    Ok(log)
}
