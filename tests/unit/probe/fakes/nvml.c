/* A management library for tests, with the functions and structures of nvml.h as NVIDIA documents them.
 *
 * NVIDIA_FAKE_NVML holds words `Function=code` or `Function@device=code`: that call answers with the code, also
 * `hang` and `die`. `gpus=2` sets the count, `cut=1` puts the last GPU in MIG mode with two parts of it, `busy=N` says
 * how many processes run. Handles are 1 + the device's number, parts are 101 and 102.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void *device;

static const char *find(const char *name)
{
    const char *text = getenv("NVIDIA_FAKE_NVML");
    size_t length = strlen(name);
    for (; text && *text; text++) {
        if (strncmp(text, name, length) == 0 && text[length] == '=')
            return text + length + 1;
        text = strchr(text, ' ');
        if (!text)
            break;
    }
    return NULL;
}

static int setting(const char *name, int other)
{
    const char *found = find(name);
    return found ? atoi(found) : other;
}

static int answer(const char *name, device which)
{
    char exact[128];
    snprintf(exact, sizeof exact, "%s@%ld", name, (long)which - 1);
    const char *found = find(exact) ? find(exact) : find(name);
    if (!found)
        return 0;
    if (strncmp(found, "hang", 4) == 0)
        for (;;)
            sleep(1000);
    if (strncmp(found, "die", 3) == 0)
        abort();
    return atoi(found);
}

#define GUARD(name, which)           \
    do {                             \
        int code = answer(name, which); \
        if (code)                    \
            return code;             \
    } while (0)

int nvmlInit_v2(void) { return answer("Init_v2", 0); }

int nvmlSystemGetDriverVersion(char *text, unsigned length)
{
    GUARD("SystemGetDriverVersion", 0);
    snprintf(text, length, "580.159.03");
    return 0;
}

int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    GUARD("SystemGetCudaDriverVersion_v2", 0);
    *version = 13000;
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    GUARD("DeviceGetCount_v2", 0);
    *count = setting("gpus", 1);
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device *which)
{
    *which = (device)(long)(index + 1);
    return answer("DeviceGetHandleByIndex_v2", *which);
}

int nvmlDeviceGetUUID(device which, char *text, unsigned length)
{
    long number = (long)which;
    GUARD("DeviceGetUUID", which);
    snprintf(text, length, "%s-%08lx-0000-0000-0000-000000000000", number > 100 ? "MIG" : "GPU", number);
    return 0;
}

int nvmlDeviceGetName(device which, char *text, unsigned length)
{
    GUARD("DeviceGetName", which);
    snprintf(text, length, "NVIDIA A100-SXM4-80GB%s", (long)which > 100 ? " MIG 3g.40gb" : "");
    return 0;
}

struct pci {
    char legacy[16];
    unsigned domain, bus, device, identity, subsystem;
    char address[32];
};

int nvmlDeviceGetPciInfo_v3(device which, struct pci *info)
{
    GUARD("DeviceGetPciInfo_v3", which);
    memset(info, 0, sizeof *info);
    snprintf(info->legacy, sizeof info->legacy, "0000:%02lX:00.0", 0x1a + (long)which);
    snprintf(info->address, sizeof info->address, "00000000:%02lX:00.0", 0x1a + (long)which);
    return 0;
}

int nvmlDeviceGetCudaComputeCapability(device which, int *major, int *minor)
{
    GUARD("DeviceGetCudaComputeCapability", which);
    *major = 8;
    *minor = 0;
    return 0;
}

struct memory {
    unsigned long long total, free, used;
};

struct memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};

int nvmlDeviceGetMemoryInfo(device which, struct memory *info)
{
    GUARD("DeviceGetMemoryInfo", which);
    info->total = 85899345920ull;
    info->used = 700000000ull;
    info->free = info->total - info->used;
    return 0;
}

int nvmlDeviceGetMemoryInfo_v2(device which, struct memory_v2 *info)
{
    GUARD("DeviceGetMemoryInfo_v2", which);
    if (info->version != (sizeof(struct memory_v2) | 2u << 24))
        return 25;
    info->total = 85899345920ull;
    info->reserved = 690000000ull;
    info->used = 4000000ull;
    info->free = info->total - info->reserved - info->used;
    return 0;
}

int nvmlDeviceGetVirtualizationMode(device which, unsigned *mode)
{
    GUARD("DeviceGetVirtualizationMode", which);
    *mode = setting("virtual", 0);
    return 0;
}

int nvmlDeviceGetComputeMode(device which, unsigned *mode)
{
    GUARD("DeviceGetComputeMode", which);
    *mode = setting("mode", 0);
    return 0;
}

int nvmlDeviceGetTotalEccErrors(device which, int kind, int counter, unsigned long long *count)
{
    GUARD("DeviceGetTotalEccErrors", which);
    *count = kind == 1 && counter == 0 ? setting("ecc", 0) : 77;
    return 0;
}

int nvmlDeviceGetRemappedRows(device which, unsigned *corrected, unsigned *uncorrected, unsigned *pending,
                              unsigned *failed)
{
    GUARD("DeviceGetRemappedRows", which);
    *corrected = 5;
    *uncorrected = 6;
    *pending = setting("pending", 0);
    *failed = setting("failed", 0);
    return 0;
}

int nvmlDeviceGetMigMode(device which, unsigned *now, unsigned *after)
{
    GUARD("DeviceGetMigMode", which);
    *now = *after = setting("cut", 0) && (long)which == setting("gpus", 1);
    return 0;
}

int nvmlDeviceGetMaxMigDeviceCount(device which, unsigned *count)
{
    GUARD("DeviceGetMaxMigDeviceCount", which);
    *count = 7;
    return 0;
}

int nvmlDeviceGetMigDeviceHandleByIndex(device which, unsigned index, device *part)
{
    GUARD("DeviceGetMigDeviceHandleByIndex", which);
    if (index > 1)
        return 6;
    *part = (device)(long)(101 + index);
    return 0;
}

static int running(const char *name, device which, unsigned *count)
{
    unsigned room = *count;
    GUARD(name, which);
    *count = setting("busy", 0);
    return *count > room ? 7 : 0;
}

int nvmlDeviceGetComputeRunningProcesses(device which, unsigned *count, void *list)
{
    (void)list;
    return running("DeviceGetComputeRunningProcesses", which, count);
}

int nvmlDeviceGetComputeRunningProcesses_v3(device which, unsigned *count, void *list)
{
    (void)list;
    return running("DeviceGetComputeRunningProcesses_v3", which, count);
}
