interface LockFile {
  readonly packages: Readonly<Record<string, object>>
}

interface Machine {
  readonly platform: string
  readonly arch: string
  readonly libc: string
}

interface OpenInLockFile {
  readonly refused: readonly string[]
  readonly elsewhere: readonly string[]
}

export function openInLockFile(lock: LockFile, machine: Machine): OpenInLockFile
export function checkLockFile(): { readonly note?: string; readonly failure?: string }
