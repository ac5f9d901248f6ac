//! A configuration file with mistakes: the operator says all of them and touches nothing.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

const CONFIG: &str = "
metricsSources:
- {name: broken, url: \"prometheus:9090\", timeout: 2h}
- {name: default, url: http://prometheus:9090}
- {name: default, url: http://prometheus:9091}
lisen: {metrics: 0.0.0.0:8080}
timing: {grid: \"15\", tick: 1m}
";

#[test]
fn the_operator_says_every_mistake_on_a_line_of_its_own_and_touches_nothing() {
    // In place of an API server: whoever connects is noticed.
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = server.local_addr().expect("an address");
    server.set_nonblocking(true).expect("non-blocking");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bad-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (config, kubeconfig) = (folder.join("config.yaml"), folder.join("kubeconfig"));
    std::fs::write(&config, CONFIG).expect("a file");
    let cluster = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, users: [{{name: u, user: {{token: t}}}}],
          clusters: [{{name: k, cluster: {{server: \"http://{address}\"}}}}],
          contexts: [{{name: c, context: {{cluster: k, user: u}}}}]}}"
    );
    std::fs::write(&kubeconfig, cluster).expect("a file");

    let output = Command::new(env!("CARGO_BIN_EXE_inferscale"))
        .args(["operator", "--config"])
        .arg(&config)
        .env("KUBECONFIG", &kubeconfig)
        .stdin(Stdio::null())
        .output()
        .expect("the operator");
    let errors = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(output.stdout.is_empty(), "errors belong on stderr");
    let lines: Vec<&str> = errors.trim_end().lines().collect();
    let shown = config.display();
    assert_eq!(
        lines[0],
        format!("error: {shown} has {} errors:", lines.len() - 1),
        "{errors}"
    );
    for (field, value) in [
        ("lisen", "did you mean listen?"),
        ("metricsSources[0].url", "prometheus:9090"),
        ("metricsSources[0].timeout", "2h"),
        ("metricsSources[2].name", "default"),
        ("timing.grid", "\"15\""),
        ("timing.tick", "1m"),
    ] {
        let about = format!("  {field}: ");
        let told = lines
            .iter()
            .filter(|line| line.starts_with(&about) && line.contains(value));
        assert_eq!(told.count(), 1, "{field} with {value}:\n{errors}");
    }
    let connected = server.accept();
    assert!(
        connected.is_err(),
        "the operator reached for the API server: {connected:?}"
    );
}
