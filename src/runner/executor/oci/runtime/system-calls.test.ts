import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemCallsOf } from '../../seccomp/system-calls.ts'
import { type ContainerRights, dockerRights, strictRights } from '../spec/capabilities.ts'
import type { SeccompWay } from '../spec/oci-wanted.ts'
import { seccompProfile } from '../spec/seccomp/seccomp-profile.ts'
import type { Call } from './call-program.ts'
import { type FoundRuntime, findRuntime } from './find-runtime.ts'
import { tryContainer } from './trial-container.ts'

/** Each call with the results that it may have; `passes`: any that no filter gives. */
type Row = readonly [what: string, call: Call, wanted: readonly number[] | 'passes']

const [EPERM, ENOSYS, EINVAL] = [-1, -38, -22]
const { allowed, refused, checked } = systemCallsOf('x64')
/** The last that libseccomp 2.5 knows; later ones are unknown to it, also those that are refused. */
const LAST_KNOWN = 450
/** Refused by name: lsm_get_self_attr, lsm_set_self_attr, lsm_list_modules. */
const NEWER_REFUSED = [459, 460, 461]
const CHROOT = 161
/** Made by the kernel itself for probes, and passed by every filter of newer kernels. */
const UPROBE = 336
const [SOCKET_FAMILIES, PERSONALITIES] = [
  { allowed: [1, 2, 10, 16], refused: [38, 40, 46, 99, 2 ** 32 + 40] },
  { allowed: [0, 8, 0x20000, 0x20008, 0xffffffff], refused: [0x40000, 0x60008, 0x8000000] },
]

function rowsFor({ gainsPrivileges }: ContainerRights): readonly Row[] {
  const allRefused = [...refused, ...NEWER_REFUSED]
  const known = new Set([...allowed, ...allRefused, ...Object.values(checked), UPROBE])
  const unknown = Array.from({ length: 700 }, (_, number) => number).filter((n) => !known.has(n))
  const namespaces = [17, 25, 26, 27, 28, 29, 30].map((bit) => 2 ** bit)
  return [
    ...allRefused
      .filter((number) => number !== CHROOT)
      .map(
        (number): Row => ['refused', { number }, number > LAST_KNOWN ? [EPERM, ENOSYS] : [EPERM]],
      ),
    ['chroot', { number: CHROOT }, gainsPrivileges ? 'passes' : [EPERM]],
    ...[...unknown, 9_999, 100_000].map((number): Row => ['unknown', { number }, [ENOSYS]]),
    ...[102, 39, 24].map((number): Row => ['harmless', { number }, 'passes']),
    ['openat2', { number: 437 }, [EINVAL]],
    ['clone3', { number: checked.clone3 }, [ENOSYS]],
    ...namespaces.map((argument): Row => ['clone', { number: checked.clone, argument }, [EPERM]]),
    ...argumentRows('socket', checked.socket, SOCKET_FAMILIES),
    ...argumentRows('personality', checked.personality, PERSONALITIES),
    ...rowsOf32(gainsPrivileges),
  ]
}

function argumentRows(
  what: string,
  number: number,
  values: { readonly allowed: readonly number[]; readonly refused: readonly number[] },
): readonly Row[] {
  return [
    ...values.allowed.map((argument): Row => [what, { number, argument }, 'passes']),
    ...values.refused.map((argument): Row => [what, { number, argument }, [EPERM]]),
  ]
}

/** Calls of 32-bit programs, with the numbers of x86. */
function rowsOf32(gainsPrivileges: boolean): readonly Row[] {
  const as32 = true
  return [
    ['getpid', { number: 20, as32 }, [1]],
    ['chown32', { number: 212, as32 }, 'passes'],
    ['mount', { number: 21, as32 }, [EPERM]],
    ['umount', { number: 22, as32 }, [EPERM]],
    ['stime', { number: 25, as32 }, [EPERM]],
    ['unshare', { number: 310, as32 }, [EPERM]],
    ['clone', { number: 120, argument: 2 ** 28, as32 }, [EPERM]],
    ['socket', { number: 359, argument: 1, as32 }, 'passes'],
    ['socket', { number: 359, argument: 40, as32 }, [EPERM]],
    ['socketcall', { number: 102, argument: 1, as32 }, gainsPrivileges ? 'passes' : [EPERM]],
    ['unknown', { number: 9_999, as32 }, [ENOSYS]],
  ]
}

async function check(found: FoundRuntime, rights: ContainerRights, seccomp: SeccompWay) {
  const { runtime, enter, overlayOptions, rlimits, idMap } = found
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-calls-'))
  const place = { runtime, enter, overlayOptions, folder: dir.path }
  const spec = { rights, seccomp, rlimits, ...(idMap ? { idMap } : {}) }
  const rows = rowsFor(rights)
  const calls = rows.map(([, call]) => call)
  const { results } = await tryContainer(place, spec, { machine: 'x64', calls })
  for (const [index, [what, call, wanted]] of rows.entries()) {
    const result = results[index] ?? assert.fail('no result')
    const isRight =
      wanted === 'passes' ? result !== EPERM && result !== ENOSYS : wanted.includes(result)
    assert.ok(isRight, `${what} ${JSON.stringify(call)}: ${result}, not ${String(wanted)}`)
  }
}

const skip = process.arch === 'x64' ? {} : { skip: 'numbers of another processor' }

for (const name of ['crun', 'runc'] as const) {
  for (const rights of [strictRights(), dockerRights()]) {
    const kind = rights.gainsPrivileges ? "Docker's rights" : 'strict rights'
    test(`${name} answers each call as the profile says, with ${kind}`, skip, async (t) => {
      await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-calls-'))
      const found = await findRuntime({ folder: dir.path, firstId: 1_879_048_192, names: [name] })
      if (typeof found === 'string') return t.skip(found)
      if (rights.gainsPrivileges && !found.idMap) return t.skip('no user namespace')
      const profile = seccompProfile({ rights, architecture: 'x64', kernel: release() })
      await check(found, rights, { kind: 'profile', profile: profile ?? assert.fail() })
      const way = await found.filters.for(rights)
      assert.equal(way.kind, name === 'crun' ? 'compiled' : 'profile')
      if (way.kind === 'compiled') await check(found, rights, way)
    })
  }
}
