/* A driver library for tests: two devices in the order opposite to the management library's. */
#include <stdio.h>
#include <string.h>

int cuDriverGetVersion(int *version)
{
    *version = 13010;
    return 0;
}

int cuDeviceGet(int *which, int ordinal)
{
    *which = ordinal;
    return ordinal > 1 ? 101 : 0;
}

int cuDeviceGetUuid_v2(char *uuid, int which)
{
    memset(uuid, 0, 16);
    uuid[3] = 2 - which;
    return 0;
}

int cuDeviceGetName(char *name, int length, int which)
{
    (void)which;
    snprintf(name, length, "NVIDIA A100-SXM4-80GB");
    return 0;
}

int cuDeviceGetPCIBusId(char *address, int length, int which)
{
    snprintf(address, length, "0000:%02X:00.0", 0x1c - which);
    return 0;
}
