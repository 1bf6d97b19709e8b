import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import {
  MACHINE,
  networkWorld,
  WORLD,
  WORLD_PORT,
  withoutWorlds,
} from '../support/network-world.ts'
import { reach, type Target } from '../support/reach.ts'
import { tempDir } from '../support/temp-dir.ts'

/** What a job in bubblewrap tries to reach: the machine, other jobs, private networks. */

const skip = await withoutWorlds()

const inWorld = (...addresses: readonly string[]): readonly Target[] =>
  addresses.map((address) => [address, WORLD_PORT] as const)

const PRIVATE = [WORLD.ten, WORLD.carrier, WORLD.sixteen, WORLD.home]
const PRIVATE_SIX = [WORLD.local6, WORLD.mapped, WORLD.sixToFour]

test("SEC-01: a job can't reach Narwhal's port, at any address of the machine", {
  skip,
}, async () => {
  await using at = await networkWorld()
  await at.open('job')
  const gateway = (
    await at.run('job', "ip route | sed -n 's/^default via \\([0-9.]*\\) .*/\\1/p'")
  ).output.trim()
  assert.match(gateway, /^10\./)
  const targets = ['127.0.0.1', '::1', 'fe80::1%eth0', gateway, ...MACHINE]
  const all = targets.map((address) => [address, at.port] as const)
  // A witness that nothing can reach proves nothing.
  for (const address of ['127.0.0.1', ...MACHINE]) {
    await at.onMachine('bash', '-c', `exec 3<>/dev/tcp/${address}/${at.port}`)
  }
  assert.equal((await at.run('job', reach(all))).output, '')
})

test('NET-01: a job reaches the internet, and resolves names through a server on loopback', {
  skip,
}, async () => {
  await using at = await networkWorld()
  assert.deepEqual(await at.open('job'), [])
  const [four, six] = [WORLD.outside, WORLD.outside6]
  const { output } = await at.run('job', reach(inWorld(four, six)))
  const hasIpv6 = (await at.run('job', 'ip -6 route | grep default || true')).output !== ''
  assert.equal(output, hasIpv6 ? `${four}\n${six}\n` : `${four}\n`)
  const names = await at.run('job', 'getent ahostsv4 outside.example | head -1 | cut -d" " -f1')
  assert.equal(names.output, `${four}\n`)
})

test('NET-02: the metadata services of clouds are closed to every job', { skip }, async () => {
  await using at = await networkWorld()
  await at.open('own')
  await at.open('stranger', true)
  const closed = inWorld(WORLD.metadata, WORLD.azure)
  for (const name of ['own', 'stranger']) {
    assert.equal((await at.run(name, reach(closed))).output, '', name)
  }
})

test("NET-03: private ranges are closed to strangers' jobs in every notation, and open to others", {
  skip,
}, async () => {
  await using at = await networkWorld()
  assert.deepEqual(await at.open('own'), [])
  const [note = ''] = await at.open('stranger', true)
  assert.match(
    note,
    /private networks are refused to this job, because it is a stranger's; .* --reach$/,
  )
  const all = inWorld(...PRIVATE, ...PRIVATE_SIX, WORLD.neighbour, WORLD.neighbour6)
  assert.equal((await at.run('stranger', reach(all))).output, '')
  const own = await at.run('own', reach(inWorld(...PRIVATE, WORLD.neighbour)))
  assert.equal(own.output, `${[...PRIVATE, WORLD.neighbour].join('\n')}\n`)
  const outside = await at.run('stranger', reach(inWorld(WORLD.outside)))
  assert.equal(outside.output, `${WORLD.outside}\n`)
})

test("NET-04: a stranger's job gets no private addresses for names", { skip }, async () => {
  await using at = await networkWorld()
  await at.open('own')
  await at.open('stranger', true)
  const script = 'getent ahostsv4 inside.example | head -1 | cut -d" " -f1'
  assert.equal((await at.run('own', script)).output, `${WORLD.ten}\n`)
  assert.equal((await at.run('stranger', script)).output, '')
  const outside = script.replace('inside', 'outside')
  assert.equal((await at.run('stranger', outside)).output, `${WORLD.outside}\n`)
})

test('NET-05: two jobs do not reach each other', { skip }, async () => {
  await using at = await networkWorld()
  for (const [name, isStranger] of [
    ['one', false],
    ['other', false],
    ['stranger', true],
  ] as const) {
    await at.open(name, isStranger)
  }
  const address = (
    await at.run('one', "ip -4 -o addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'")
  ).output.trim()
  await at.start(
    'one',
    "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 7777, Listen => 5) or die; $| = 1; print qq(ready\\n); sleep 600'",
  )
  assert.equal((await at.run('one', reach([[address, 7777]]))).output, `${address}\n`)
  for (const name of ['other', 'stranger']) {
    const { output } = await at.run(name, reach([[address, 7777]]))
    assert.equal(output, '', name)
  }
})

test("NET-06: a job does not reach the machine's abstract sockets", { skip }, async () => {
  await using at = await networkWorld()
  await at.open('job')
  const script = `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); print connect(S, pack("Sa*", AF_UNIX, "\\0${at.abstract}")) ? "open" : "closed"'`
  assert.equal((await at.run('job', script)).output, 'closed')
  assert.equal(await at.onMachine('sh', '-c', script), 'open')
})

test('NET-07: with --private-networks deny no job reaches private networks except through --reach', {
  skip,
}, async () => {
  const reachable = [{ host: WORLD.ten, port: WORLD_PORT }]
  await using at = await networkWorld({ privateNetworks: 'deny', reach: reachable })
  const [note = ''] = await at.open('own')
  const open = `allowed: ${WORLD.ten}:${WORLD_PORT} (--reach of the runner)`
  assert.ok(note.includes('--private-networks deny') && note.endsWith(open), note)
  await at.open('stranger', true)
  for (const name of ['own', 'stranger']) {
    const { output } = await at.run(name, reach(inWorld(...PRIVATE, ...PRIVATE_SIX)))
    assert.equal(output, `${WORLD.ten}\n`, name)
  }
})

test("NET-08: a hole does not open the machine's own addresses", { skip }, async () => {
  await using at = await networkWorld({ reach: [{ host: '10.77.77.1', port: WORLD_PORT }] })
  await at.open('job')
  await at.onMachine('sh', '-c', 'true')
  assert.equal((await at.run('job', reach([['10.77.77.1', WORLD_PORT]]))).output, '')
})

test('NET-09: a table of rules that was removed is restored, and closes again', {
  skip,
}, async () => {
  await using at = await networkWorld()
  await at.open('stranger', true)
  const table = async () => (await at.onMachine('nft', 'list', 'tables')).trim()
  const name = await table()
  assert.match(name, /^table inet narwhal_[0-9a-f]{6}$/)
  await at.onMachine('nft', 'delete', ...name.split(' '))
  await eventually(async () => (await table()) === name, { timeoutMs: 30_000 })
  await at.onMachine('nft', 'flush', ...name.split(' '))
  await eventually(
    async () => (await at.onMachine('nft', 'list', 'ruleset')).includes('goto refused'),
    { timeoutMs: 30_000 },
  )
  assert.equal((await at.run('stranger', reach(inWorld(WORLD.ten)))).output, '')
  assert.equal(await at.trouble(), '')
})

test("NET-10: no job is started while the rules can't be applied, and the reason is reported", {
  skip,
}, async () => {
  await using at = await networkWorld()
  await at.open('first', true)
  const [, , name = ''] = (await at.onMachine('nft', 'list', 'tables')).trim().split(' ')
  await using dir = await tempDir()
  const end = dir.join('end')
  const thief = `i=0; while [ ! -e ${end} ] && [ $i -lt 2000 ]; do nft delete table inet ${name} 2>/dev/null; sleep 0.03; i=$((i + 1)); done`
  const stealing = at.onMachine('sh', '-c', thief)
  const trouble = await eventually(async () => (await at.trouble()) || null, { timeoutMs: 50_000 })
  assert.match(
    trouble,
    /^jobs are not kept from .*, though the rules say so: see what else changes/,
  )
  await assert.rejects(at.open('second', true), /jobs are not kept from/)
  await assert.rejects(at.open('third'), /jobs are not kept from/)
  await writeFile(end, '')
  await stealing
  await eventually(async () => (await at.trouble()) === '', { timeoutMs: 60_000 })
  await at.open('fourth', true)
})

test('NET-18: two runners of one machine isolate their jobs, and one ends without affecting the other', {
  skip,
}, async () => {
  await using at = await networkWorld()
  await at.open('first')
  {
    await using other = await at.another()
    await other.open('second')
    const own = "ip -4 -o addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'"
    const address = (await at.run('first', own)).output.trim()
    assert.notEqual(address, (await other.run('second', own)).output.trim())
    await at.start(
      'first',
      "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 7777, Listen => 5) or die; $| = 1; print qq(ready\\n); sleep 600'",
    )
    assert.equal((await at.run('first', reach([[address, 7777]]))).output, `${address}\n`)
    const tried = reach([[address, 7777], ...inWorld(WORLD.outside)])
    assert.equal((await other.run('second', tried)).output, `${WORLD.outside}\n`)
  }
  assert.equal((await at.run('first', reach(inWorld(WORLD.outside)))).output, `${WORLD.outside}\n`)
  assert.match((await at.onMachine('nft', 'list', 'tables')).trim(), /^table inet narwhal_\w+$/)
})

test('NET-19: everything that a killed runner leaves behind is removed by its next start', {
  skip,
}, async () => {
  await using at = await networkWorld()
  await at.open('job')
  const before = await at.onMachine('ip', '-br', 'link')
  assert.match(before, /nw[0-9a-f]{6}on/)
  await at.kill()
  await using next = await at.again()
  await next.open('job')
  // Interfaces that forward for jobs forward for nobody else, and afterwards as before.
  assert.match(await at.onMachine('nft', 'list', 'ruleset'), /iifname "up0" oifname != "nw\*" drop/)
  const ends = (text: string) => text.split('\n').filter((line) => /^nw[0-9a-f]{6}[os]n/.test(line))
  // The ready ones and that of the job: at most as many as at first.
  assert.ok(ends(await at.onMachine('ip', '-br', 'link')).length <= 6)
  assert.match((await at.onMachine('nft', 'list', 'tables')).trim(), /^table inet narwhal_\w+$/)
  assert.equal((await next.run('job', reach(inWorld(WORLD.outside)))).output, `${WORLD.outside}\n`)
})
