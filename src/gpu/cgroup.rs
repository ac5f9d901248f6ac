//! Which pod a process is of: its cgroups. No I/O.

/// The UID of the pod in the text of `/proc/<pid>/cgroup`, for cgroups of both versions and both drivers.
pub fn pod_uid(text: &str) -> Option<String> {
    let paths = text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.flat_map(|path| path.split('/')).find_map(uid_of_part)
}

/// `kubepods-burstable-pod<uid, - as _>.slice` (systemd) or `pod<uid>` (cgroupfs).
fn uid_of_part(part: &str) -> Option<String> {
    let part = part.strip_suffix(".slice").unwrap_or(part);
    let (before, uid) = part.rsplit_once("pod")?;
    if !(before.is_empty() || before.contains("kubepods") && before.ends_with('-')) {
        return None;
    }
    let uid = uid.replace('_', "-");
    // A static pod's is a hash without dashes.
    let looks_right = match uid.len() {
        36 => uid.split('-').map(str::len).eq([8, 4, 4, 4, 12]),
        32 => !uid.contains('-'),
        _ => false,
    };
    let is_hexadecimal = uid.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    (looks_right && is_hexadecimal).then_some(uid)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const UID: &str = "0d3f8a1c-2b4e-4c6d-9e8f-a1b2c3d4e5f6";

    #[rstest]
    #[case::systemd_v2(
        "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0d3f8a1c_2b4e_4c6d_9e8f_a1b2c3d4e5f6.slice/cri-containerd-ab.scope\n",
        Some(UID)
    )]
    #[case::systemd_guaranteed(
        "0::/kubepods.slice/kubepods-pod0d3f8a1c_2b4e_4c6d_9e8f_a1b2c3d4e5f6.slice/crio-ab.scope\n",
        Some(UID)
    )]
    #[case::cgroupfs("0::/kubepods/besteffort/pod0d3f8a1c-2b4e-4c6d-9e8f-a1b2c3d4e5f6/ab\n", Some(UID))]
    #[case::v1(
        "12:cpuset:/\n4:memory:/kubepods/pod0d3f8a1c-2b4e-4c6d-9e8f-a1b2c3d4e5f6/ab\n",
        Some(UID)
    )]
    #[case::from_inside_a_cgroup_namespace(
        "0::/../../kubepods-burstable-pod0d3f8a1c_2b4e_4c6d_9e8f_a1b2c3d4e5f6.slice/ab\n",
        Some(UID)
    )]
    #[case::below_another_root(
        "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod0d3f8a1c_2b4e_4c6d_9e8f_a1b2c3d4e5f6.slice/ab\n",
        Some(UID)
    )]
    #[case::a_static_pod(
        "0::/kubepods/burstable/pod8d1f0e2c3b4a59687766554433221100/ab\n",
        Some("8d1f0e2c3b4a59687766554433221100")
    )]
    #[case::a_service("0::/system.slice/podman.service\n", None)]
    #[case::a_name_like_it("0::/user.slice/pod-of-mine/pod123\n", None)]
    #[case::not_hexadecimal("0::/kubepods/podzzzzzzzz-2b4e-4c6d-9e8f-a1b2c3d4e5f6/ab\n", None)]
    #[case::nothing("", None)]
    fn finds_the_pod_of_every_layout(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(pod_uid(text).as_deref(), expected);
    }
}
