//! The exporter as a child process, and what it answers.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::machine::Machine;

/// Ended with the test.
pub struct Exporter {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

fn command(machine: &Machine, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inferscale"));
    command.args(["gpu-exporter", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.arg("--nvml-library").arg(machine.library()).args(more);
    if !more.contains(&"--interval") {
        command.args(["--interval", "100ms"]);
    }
    command
        .env_remove("FAKE_NVML_STATE")
        .env_remove("RUST_LOG")
        .env_remove("NODE_NAME");
    command
}

impl Exporter {
    pub fn start(machine: &Machine, more: &[&str]) -> Self {
        let mut child = command(machine, more).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().expect("it ended at once").unwrap();
        let event: serde_json::Value = serde_json::from_str(&first).unwrap_or_else(|_| panic!("{first}"));
        let address = event["address"]
            .as_str()
            .unwrap_or_else(|| panic!("{first}"))
            .to_owned();
        let log = Arc::new(Mutex::new(String::new()));
        let writer = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *writer.lock().unwrap() += &(line + "\n");
            }
        });
        Self { child, address, log }
    }

    /// For one that does not stay: what it said, and how it ended.
    pub fn ends(machine: &Machine, more: &[&str]) -> Output {
        command(machine, more).output().unwrap()
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn wait(&mut self, most: Duration) -> std::process::ExitStatus {
        let end = Instant::now() + most;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn get(&self, path: &str, header: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let at = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head,
            body: bytes[at + 4..].to_vec(),
        }
    }

    pub fn text(&self, path: &str) -> (u16, String) {
        let answer = self.get(path, "");
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    pub fn page(&self) -> Page {
        let (status, text) = self.text("/metrics");
        assert_eq!(status, 200);
        Page::read(&text)
    }

    /// The first page of which a rule is true.
    pub fn page_when(&self, is_it: impl Fn(&Page) -> bool) -> Page {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let page = self.page();
            if is_it(&page) {
                return page;
            }
            if Instant::now() > end {
                let health = self.text("/healthz").1;
                panic!("it never came; health: {health}log: {}page: {:#?}", self.log(), page.0);
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// A page of two samples at least: GPM's figures lie between two.
    pub fn settled(&self) -> Page {
        let first = self.page_when(|page| page.get(SAMPLED).is_some()).get(SAMPLED);
        self.page_when(|page| page.get(SAMPLED) > first)
    }

    /// Waits for a word of `/healthz`.
    pub fn health_when(&self, word: &str) -> (u16, String) {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let (status, text) = self.text("/healthz");
            if text.contains(word) {
                return (status, text);
            }
            assert!(Instant::now() < end, "{word:?} never came: {text}{}", self.log());
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

const SAMPLED: &str = "inferscale_gpu_exporter_last_sample_timestamp_seconds";

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Values by series, as they are written.
#[derive(Debug)]
pub struct Page(pub BTreeMap<String, f64>);

impl Page {
    fn read(text: &str) -> Self {
        let series = text.lines().filter(|line| !line.starts_with('#'));
        let mut all = BTreeMap::new();
        for line in series {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let old = all.insert(name.to_owned(), value.parse().unwrap());
            assert_eq!(old, None, "{name} is there twice");
        }
        Self(all)
    }

    pub fn get(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// The series of a name, with labels or without.
    pub fn of(&self, name: &str) -> Vec<(&str, f64)> {
        let of = |series: &str| series.split('{').next() == Some(name);
        self.0
            .iter()
            .filter(|(series, _)| of(series))
            .map(|(series, value)| (series.as_str(), *value))
            .collect()
    }

    /// The value of the one series of a name that holds a label.
    pub fn with(&self, name: &str, label: &str) -> Option<f64> {
        let found: Vec<_> = self
            .of(name)
            .into_iter()
            .filter(|(series, _)| series.contains(label))
            .collect();
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(|(_, value)| *value)
    }

    pub fn has(&self, name: &str) -> bool {
        !self.of(name).is_empty()
    }
}
