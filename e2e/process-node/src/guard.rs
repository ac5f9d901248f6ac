//! The process between this program and each real one. It outlives a killed parent by an instant: when standard
//! input closes, it kills the real process and everything that one started. Only std: no runtime, no API.
//!
//! It reads one byte: `t` passes SIGTERM on to the real process alone, as a kubelet does; an engine's own workers
//! must not hear it, or they would drop the requests that the engine is finishing.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Exit status when the command could not be started, as a shell has it.
const NOT_STARTED: u8 = 127;

/// Runs the command to its end; the exit status is the command's, 128 + N when signal N ended it.
pub(crate) fn run(command: &[String]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else {
        return ExitCode::from(NOT_STARTED);
    };
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0) // a group of its own, whose id is its pid: everything it starts can be killed at once
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            eprintln!("process-node: cannot start {program}: {error}");
            return ExitCode::from(NOT_STARTED);
        }
    };
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return ExitCode::from(NOT_STARTED);
    };
    std::thread::spawn(move || obey(pid));
    let status = child.wait();
    // What the command left behind would keep the pod's port.
    let _ = kill_process_group(pid, Signal::KILL);
    ExitCode::from(status.map_or(NOT_STARTED, exit_code))
}

/// Follows standard input until it closes, then kills. The group's id cannot be reused while `run` has not reaped
/// the child, and after that this process is about to end.
fn obey(pid: Pid) {
    let mut byte = [0u8];
    let mut input = std::io::stdin().lock();
    loop {
        match input.read(&mut byte) {
            Ok(1) if byte == *b"t" => {
                let _ = kill_process(pid, Signal::TERM);
            }
            Ok(1) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    let _ = kill_process_group(pid, Signal::KILL);
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::success(0, 0)]
    #[case::failure(3 << 8, 3)]
    #[case::terminated(15, 143)]
    #[case::killed(9, 137)]
    fn the_exit_status_is_that_of_a_shell(#[case] raw: i32, #[case] expected: u8) {
        assert_eq!(exit_code(ExitStatus::from_raw(raw)), expected);
    }
}
