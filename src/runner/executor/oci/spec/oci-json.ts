/**
 * The part of the OCI runtime specification's config.json that Narwhal writes, in its own names
 * (https://github.com/opencontainers/runtime-spec).
 */
export interface OciSpec {
  readonly ociVersion: string
  readonly process: OciProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly hostname: string
  readonly mounts: readonly OciMount[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux: OciLinux
}

interface OciProcess {
  readonly terminal: boolean
  readonly user: {
    readonly uid: number
    readonly gid: number
    readonly additionalGids: readonly number[]
  }
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities: {
    readonly bounding: readonly string[]
    readonly effective: readonly string[]
    readonly permitted: readonly string[]
  }
  readonly rlimits: readonly OciRlimit[]
  readonly noNewPrivileges: boolean
  readonly oomScoreAdj?: number
}

export interface OciRlimit {
  readonly type: string
  readonly soft: number
  readonly hard: number
}

export interface OciMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

interface OciLinux {
  readonly namespaces: readonly OciNamespace[]
  readonly uidMappings?: readonly OciIdMapping[]
  readonly gidMappings?: readonly OciIdMapping[]
  readonly cgroupsPath?: string
  readonly resources?: OciResources
  readonly seccomp?: OciSeccomp
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
}

export interface OciNamespace {
  readonly type: 'pid' | 'mount' | 'ipc' | 'uts' | 'network' | 'cgroup' | 'user'
  readonly path?: string
}

export interface OciIdMapping {
  readonly containerID: number
  readonly hostID: number
  readonly size: number
}

export interface OciResources {
  readonly memory: { readonly limit: number; readonly swap: number }
  readonly cpu: { readonly quota: number; readonly period: number }
  readonly pids: { readonly limit: number }
  readonly devices: readonly OciDeviceRule[]
}

export interface OciDeviceRule {
  readonly allow: boolean
  readonly type?: 'a' | 'b' | 'c'
  readonly major?: number
  readonly minor?: number
  readonly access: string
}

export interface OciSeccomp {
  readonly defaultAction: SeccompAction
  readonly defaultErrnoRet: number
  readonly architectures: readonly string[]
  readonly syscalls: readonly SeccompRule[]
}

export type SeccompAction = 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO'

export interface SeccompRule {
  readonly names: readonly string[]
  readonly action: SeccompAction
  readonly errnoRet?: number
  /** Conditions on one argument each; several on the same one mean "any of them". */
  readonly args?: readonly SeccompCondition[]
}

export interface SeccompCondition {
  readonly index: number
  readonly value: number
  /** For SCMP_CMP_MASKED_EQ: `value` is the mask, this what the masked argument equals. */
  readonly valueTwo?: number
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_LT' | 'SCMP_CMP_GE' | 'SCMP_CMP_MASKED_EQ'
}
