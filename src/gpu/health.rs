//! How the exporter is, in words. No I/O.

use super::published::Published;

/// Whether all is well, and one line a trouble.
pub fn report(published: &Published) -> (bool, String) {
    let troubles = published.troubles();
    if troubles.is_empty() {
        let (gpus, instances) = published.devices();
        return (true, format!("ok: {gpus} GPUs, {instances} MIG instances\n"));
    }
    let mut text = String::new();
    for trouble in troubles {
        text += "unhealthy: ";
        text += &trouble;
        text.push('\n');
    }
    (false, text)
}
