"""Reads the fake through NVIDIA's own Python binding, and compares with what the exporter publishes.

    agree.py http://exporter state.json

An independent check of the C ABI on both sides: neither reader knows of the other.
"""

import json
import math
import re
import sys
import time
import urllib.request

import pynvml as nvml

address, state_file = sys.argv[1:]
compared = 0


def page():
    """Values by name and UUID; of metrics with more labels, by those, too."""
    text = urllib.request.urlopen(address + "/metrics", timeout=5).read().decode()
    series = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"([a-z0-9_:]+)(?:\{(.*)\})? (\S+)", line).groups()
        labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
        extra = labels.get("reason") or labels.get("severity") or ""
        series[name.removeprefix("inferscale_gpu_"), labels.get("uuid", ""), extra] = (float(value), labels)
    return series


def ask(function, *arguments):
    """What the binding says; none when the GPU does not tell."""
    try:
        return function(*arguments)
    except (nvml.NVMLError_NotSupported, nvml.NVMLError_NotFound):
        return None


def same(what, expected, found):
    global compared
    compared += 1
    if expected is None or found is None:
        agree = expected is None and found is None
    else:
        agree = math.isclose(expected, found, rel_tol=1e-9, abs_tol=1e-12)
    if not agree:
        sys.exit(f"{what}: the binding says {expected}, the exporter {found}")


def scaled(value, factor):
    return None if value is None else value * factor


def whole(device):
    """What a whole GPU tells, by the exporter's names and in its units."""
    rates = ask(nvml.nvmlDeviceGetUtilizationRates, device)
    encoder = ask(nvml.nvmlDeviceGetEncoderUtilization, device)
    decoder = ask(nvml.nvmlDeviceGetDecoderUtilization, device)
    memory_temperature = nvml.nvmlDeviceGetFieldValues(device, [nvml.NVML_FI_DEV_MEMORY_TEMP])[0]
    mig = ask(nvml.nvmlDeviceGetMigMode, device)
    return {
        "utilization_ratio": scaled(rates and rates.gpu, 0.01),
        "memory_utilization_ratio": scaled(rates and rates.memory, 0.01),
        "encoder_utilization_ratio": scaled(encoder and encoder[0], 0.01),
        "decoder_utilization_ratio": scaled(decoder and decoder[0], 0.01),
        "power_watts": scaled(ask(nvml.nvmlDeviceGetPowerUsage, device), 1e-3),
        "power_limit_watts": scaled(ask(nvml.nvmlDeviceGetEnforcedPowerLimit, device), 1e-3),
        "energy_joules_total": scaled(ask(nvml.nvmlDeviceGetTotalEnergyConsumption, device), 1e-3),
        "temperature_celsius": ask(nvml.nvmlDeviceGetTemperature, device, nvml.NVML_TEMPERATURE_GPU),
        "memory_temperature_celsius": None if memory_temperature.nvmlReturn else memory_temperature.value.uiVal,
        "sm_clock_hertz": scaled(ask(nvml.nvmlDeviceGetClockInfo, device, nvml.NVML_CLOCK_SM), 1e6),
        "sm_clock_limit_hertz": scaled(ask(nvml.nvmlDeviceGetMaxClockInfo, device, nvml.NVML_CLOCK_SM), 1e6),
        "memory_clock_hertz": scaled(ask(nvml.nvmlDeviceGetClockInfo, device, nvml.NVML_CLOCK_MEM), 1e6),
        "power_throttled_seconds_total": scaled(violation(device, nvml.NVML_PERF_POLICY_POWER), 1e-9),
        "thermal_throttled_seconds_total": scaled(violation(device, nvml.NVML_PERF_POLICY_THERMAL), 1e-9),
        "pcie_transmit_bytes_per_second": scaled(ask(nvml.nvmlDeviceGetPcieThroughput, device, nvml.NVML_PCIE_UTIL_TX_BYTES), 1e3),
        "pcie_receive_bytes_per_second": scaled(ask(nvml.nvmlDeviceGetPcieThroughput, device, nvml.NVML_PCIE_UTIL_RX_BYTES), 1e3),
        "pcie_replays_total": ask(nvml.nvmlDeviceGetPcieReplayCounter, device),
        "mig_enabled": mig and mig[0],
    }


def violation(device, policy):
    time_of = ask(nvml.nvmlDeviceGetViolationStatus, device, policy)
    return time_of and time_of.violationTime


def memory(device):
    info = nvml.nvmlDeviceGetMemoryInfo(device, version=nvml.nvmlMemory_v2)
    return {f"memory_{name}_bytes": getattr(info, name) for name in ("total", "reserved", "free", "used")}


GPM = {
    "engine_active_ratio": nvml.NVML_GPM_METRIC_GRAPHICS_UTIL,
    "sm_active_ratio": nvml.NVML_GPM_METRIC_SM_UTIL,
    "sm_occupancy_ratio": nvml.NVML_GPM_METRIC_SM_OCCUPANCY,
    "tensor_active_ratio": nvml.NVML_GPM_METRIC_ANY_TENSOR_UTIL,
    "memory_bandwidth_ratio": nvml.NVML_GPM_METRIC_DRAM_BW_UTIL,
}


def gpm(device, instance=None):
    support = nvml.nvmlGpmQueryDeviceSupport(device)
    if not support.isSupportedDevice:
        return dict.fromkeys(GPM)
    samples = [nvml.nvmlGpmSampleAlloc() for _ in range(2)]
    for sample in samples:
        if instance is None:
            nvml.nvmlGpmSampleGet(device, sample)
        else:
            nvml.nvmlGpmMigSampleGet(device, instance, sample)
    request = nvml.c_nvmlGpmMetricsGet_t()
    request.version = nvml.NVML_GPM_METRICS_GET_VERSION
    request.numMetrics = len(GPM)
    request.sample1, request.sample2 = samples
    for at, number in enumerate(GPM.values()):
        request.metrics[at].metricId = number
    nvml.nvmlGpmMetricsGet(request)
    figures = {
        name: None if request.metrics[at].nvmlReturn else request.metrics[at].value / 100 for at, name in enumerate(GPM)
    }
    for sample in samples:
        nvml.nvmlGpmSampleFree(sample)
    return figures


def compare(series, uuid, figures):
    for name, value in figures.items():
        same(f"{name} of {uuid}", value, series.get((name, uuid, ""), (None,))[0])


def main():
    nvml.nvmlInit()
    with open(state_file, encoding="utf-8") as file:
        count = len(json.load(file)["devices"])
    deadline = time.monotonic() + 10
    while True:  # until GPM's figures are there: they lie between two looks
        series = page()
        if any(key[0] == "sm_active_ratio" for key in series):
            break
        if time.monotonic() > deadline:
            sys.exit("the exporter never showed a figure of the performance monitor")
        time.sleep(0.1)
    same("GPUs", count, nvml.nvmlDeviceGetCount())
    instances = 0
    for index in range(nvml.nvmlDeviceGetCount()):
        device = nvml.nvmlDeviceGetHandleByIndex(index)
        uuid = nvml.nvmlDeviceGetUUID(device)
        if nvml.nvmlDeviceGetIndex(nvml.nvmlDeviceGetHandleByUUID(uuid)) != index:
            sys.exit(f"{uuid} finds another GPU")
        compare(series, uuid, {**whole(device), **memory(device), **gpm(device)})
        reasons = nvml.nvmlDeviceGetCurrentClocksThrottleReasons(device)
        active = sum(value for (name, of, _), (value, _) in series.items() if name == "throttle_active" and of == uuid)
        same(f"throttle reasons of {uuid}", reasons.bit_count(), active)
        for kind, severity in ((nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED, "corrected"), (nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, "uncorrected")):
            errors = nvml.nvmlDeviceGetTotalEccErrors(device, kind, nvml.NVML_VOLATILE_ECC)
            same(f"{severity} of {uuid}", errors, series["ecc_errors_total", uuid, severity][0])
        info = series["info", uuid, ""][1]
        expected = {
            "name": nvml.nvmlDeviceGetName(device),
            "pci_bus_id": nvml.nvmlDeviceGetPciInfo(device).busId,
            "device": f"nvidia{nvml.nvmlDeviceGetMinorNumber(device)}",
            "driver_version": nvml.nvmlSystemGetDriverVersion(),
        }
        for label, value in expected.items():
            if info[label] != value:
                sys.exit(f"{label} of {uuid}: the binding says {value}, the exporter {info[label]}")
        for at in range(nvml.nvmlDeviceGetMaxMigDeviceCount(device)):
            mig = ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, device, at)
            if mig is None:
                continue
            instances += 1
            instance = nvml.nvmlDeviceGetGpuInstanceId(mig)
            mig_uuid = nvml.nvmlDeviceGetUUID(mig)
            compare(series, mig_uuid, {**memory(mig), **gpm(device, instance)})
            labels = series["memory_used_bytes", mig_uuid, ""][1]
            same(f"GPU instance of {mig_uuid}", instance, int(labels["gpu_instance"]))
            same(f"compute instance of {mig_uuid}", nvml.nvmlDeviceGetComputeInstanceId(mig), int(labels["compute_instance"]))
            parent = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(mig)
            if series["info", mig_uuid, ""][1]["parent_uuid"] != nvml.nvmlDeviceGetUUID(parent):
                sys.exit(f"the parent of {mig_uuid} is another")
    same("instances", 2, instances)
    nvml.nvmlShutdown()
    print(f"nvidia-ml-py and the exporter agree on {compared} figures of {count} GPUs and {instances} instances")


main()
