import assert from 'node:assert/strict'

export interface CallNumbers {
  readonly refused: readonly (readonly [name: string, number: number])[]
  readonly number: (name: string) => number
  readonly isX64: boolean
}

/** From the kernel's headers, not from the filter's list, which would repeat its mistakes. */
export function callNumbers(): CallNumbers {
  const isX64 = process.arch === 'x64'
  const table: Readonly<Record<string, readonly [x64: number, arm64: number]>> = {
    add_key: [248, 217],
    request_key: [249, 218],
    keyctl: [250, 219],
    bpf: [321, 280],
    perf_event_open: [298, 241],
    userfaultfd: [323, 282],
    io_uring_setup: [425, 425],
    io_uring_enter: [426, 426],
    io_uring_register: [427, 427],
    mount: [165, 40],
    umount2: [166, 39],
    pivot_root: [155, 41],
    open_tree: [428, 428],
    move_mount: [429, 429],
    fsopen: [430, 430],
    fsmount: [432, 432],
    mount_setattr: [442, 442],
    setns: [308, 268],
    kexec_load: [246, 104],
    kexec_file_load: [320, 294],
    init_module: [175, 105],
    finit_module: [313, 273],
    open_by_handle_at: [304, 265],
    reboot: [169, 142],
    swapon: [167, 224],
    syslog: [103, 116],
  }
  const others: typeof table = {
    socket: [41, 198],
    clone: [56, 220],
    clone3: [435, 435],
    unshare: [272, 97],
    personality: [135, 92],
  }
  const numberOf = (pair: readonly [number, number] | undefined): number => {
    assert.ok(pair)
    return isX64 ? pair[0] : pair[1]
  }
  return {
    refused: Object.entries(table).map(([name, pair]) => [name, numberOf(pair)] as const),
    number: (name) => numberOf(table[name] ?? others[name]),
    isX64,
  }
}
