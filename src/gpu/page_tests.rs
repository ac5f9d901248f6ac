//! The text, and what must not come through it.

use proptest::prelude::*;

use super::*;
use crate::gpu::holders::Holder;
use crate::gpu::reading::Identity;

fn contents(text: &str) -> Contents {
    let gpu = GpuReading {
        identity: Identity {
            uuid: Some(text.to_owned()),
            name: Some(text.to_owned()),
            ..Identity::default()
        },
        ..GpuReading::default()
    };
    let holder = Holder {
        namespace: "prod".to_owned(),
        pod: text.to_owned(),
        container: "engine".to_owned(),
        resource: "nvidia.com/gpu".to_owned(),
        claim: String::new(),
        shared: false,
    };
    Contents {
        node: NodeReading {
            gpus: vec![gpu],
            ..NodeReading::default()
        },
        holders: Holders {
            of: [(text.to_owned(), vec![holder])].into(),
            ..Holders::default()
        },
        dcgm_host: Some(text.to_owned()),
        ..Contents::default()
    }
}

#[test]
fn nothing_known_is_no_series_but_who_it_is() {
    insta::assert_snapshot!(render(&Contents { dcgm_host: None, ..contents("GPU-1") }), @r#"
    # HELP inferscale_gpu_info 1; what the device is
    # TYPE inferscale_gpu_info gauge
    inferscale_gpu_info{gpu="0",uuid="GPU-1",name="GPU-1"} 1
    # HELP inferscale_gpu_holder_info 1 for each container that holds the device or a share of it; join other metrics with it by uuid
    # TYPE inferscale_gpu_holder_info gauge
    inferscale_gpu_holder_info{gpu="0",uuid="GPU-1",namespace="prod",pod="GPU-1",container="engine",resource="nvidia.com/gpu",claim="",shared="false"} 1
    # HELP inferscale_gpu_lost 1 when the GPU fell off the bus or needs a reset: its other metrics are absent then
    # TYPE inferscale_gpu_lost gauge
    inferscale_gpu_lost{gpu="0",uuid="GPU-1"} 0
    "#);
}

#[test]
fn what_is_no_number_is_absent() {
    let mut contents = contents("GPU-1");
    contents.node.gpus[0].common.gpm.sm_active = Some(f64::NAN);
    contents.node.gpus[0].whole.power = Some(f64::INFINITY);
    let text = render(&contents);
    assert!(!text.contains("sm_active") && !text.contains("power_watts"), "{text}");
}

proptest! {
    /// Names come from a driver, from users and from drivers of claims: none may end a line or a label early.
    #[test]
    fn no_name_breaks_the_text(name in "\\PC*|[\"\\\\\n{}=, ]{0,20}") {
        for line in render(&contents(&name)).lines() {
            if line.starts_with("# ") {
                continue;
            }
            let mut inside = false;
            let mut escaped = false;
            let mut quotes = 0;
            for c in line.chars() {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => {
                        inside = !inside;
                        quotes += 1;
                    }
                    _ => {}
                }
            }
            prop_assert!(!inside && quotes % 2 == 0, "{line}");
            let (_, value) = line.rsplit_once(' ').unwrap();
            prop_assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
