import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dockerRights, strictRights } from '../capabilities.ts'
import { type ProfileOptions, seccompProfile } from './seccomp-profile.ts'

const OPTIONS: ProfileOptions = { rights: dockerRights(), architecture: 'x64', kernel: '6.1.0-13' }

/** The answers to calls without conditions on arguments. */
function answersOf(options: ProfileOptions): ReadonlyMap<string, string> {
  const { syscalls } = seccompProfile(options) ?? assert.fail('no profile')
  const rules = syscalls.filter(({ args }) => !args)
  const entries = rules.flatMap(({ names, action, errnoRet }) =>
    names.map(
      (name) => [name, action === 'SCMP_ACT_ALLOW' ? 'allowed' : `errno ${errnoRet}`] as const,
    ),
  )
  assert.equal(new Map(entries).size, entries.length, 'a name in two rules')
  return new Map(entries)
}

test('names each call once', () => {
  for (const rights of [dockerRights(), strictRights(), strictRights(['SYS_ADMIN'])]) {
    for (const architecture of ['x64', 'arm64']) answersOf({ ...OPTIONS, rights, architecture })
  }
  assert.equal(seccompProfile({ ...OPTIONS, architecture: 'riscv64' }), undefined)
})

test('refuses what is known with EPERM and leaves the rest to ENOSYS', () => {
  const answers = answersOf(OPTIONS)
  for (const name of ['mount', 'umount', 'unshare', 'keyctl', 'io_uring_setup', 'bpf', 'setns']) {
    assert.equal(answers.get(name), 'errno 1', name)
  }
  assert.equal(answers.get('clone3'), 'errno 38')
  for (const name of ['openat2', 'chown32', 'futex_waitv', 'ptrace', 'chroot']) {
    assert.equal(answers.get(name), 'allowed', name)
  }
  assert.equal(seccompProfile(OPTIONS)?.defaultErrnoRet, 38)
})

test('allows by capability what only that can do', () => {
  const strict = answersOf({ ...OPTIONS, rights: strictRights() })
  assert.equal(strict.get('chroot'), 'errno 1')
  assert.equal(strict.get('socketcall'), 'errno 1')
  const admin = answersOf({ ...OPTIONS, rights: strictRights(['SYS_ADMIN']) })
  for (const name of ['mount', 'clone', 'clone3', 'unshare'])
    assert.equal(admin.get(name), 'allowed')
})

test('lets nobody trace on kernels whose filters a tracer gets around', () => {
  assert.equal(answersOf({ ...OPTIONS, kernel: '4.7.10' }).get('ptrace'), 'errno 1')
  assert.equal(answersOf({ ...OPTIONS, kernel: '4.8.0' }).get('ptrace'), 'allowed')
  assert.equal(answersOf({ ...OPTIONS, kernel: '10.0.0' }).get('ptrace'), 'allowed')
  const rights = strictRights(['SYS_PTRACE'])
  assert.equal(answersOf({ ...OPTIONS, rights, kernel: '3.10.0' }).get('ptrace'), 'allowed')
})
