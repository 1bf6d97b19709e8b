import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import {
  networkWorld,
  WORLD,
  WORLD_ECHO_PORT,
  WORLD_PORT,
  withoutWorlds,
} from '../support/network-world.ts'
import { ask, exchange, reach, serve } from '../support/reach.ts'

/** How the networks of jobs follow the machine's own: its firewall, its way out, its routes. */

const skip = await withoutWorlds()

const DB = { name: 'db', ports: [{ port: 5432, protocol: 'tcp' as const }] }

test('SEG-09: what another firewall drops is said with the line that lets it through, which does', {
  skip,
}, async () => {
  const drop =
    'add table inet other; add chain inet other forward { type filter hook forward priority 0; policy drop; }'
  await using at = await networkWorld({}, { setUp: ['nft', drop] })
  // Strangers' jobs wait for the first proof.
  await at.connect('stranger', { audience: 'strangers' })
  const services = [DB]
  const { notes } = await at.connect('job', { services })
  const [, commands = ''] =
    /^this machine's firewall drops what jobs send to the outside; let it through: (.*)$/.exec(
      notes[0] ?? '',
    ) ?? []
  assert.match(commands, /^nft insert rule inet other forward /)
  // What a job and its services say to each other passes no firewall of the machine.
  await at.serveAt('job', 'db', serve('db', 5432))
  assert.match((await at.runAt('job', 'job', ask('localhost', 5432))).output, /^db to 10\./)
  const out = reach([[WORLD.outside, WORLD_PORT]])
  for (const place of ['job', 'db']) assert.equal((await at.runAt('job', place, out)).output, '')
  await at.onMachine('sh', '-c', commands)
  for (const place of ['job', 'db']) {
    assert.equal((await at.runAt('job', place, out)).output, `${WORLD.outside}\n`, place)
  }
})

test('SEG-10: a segment has the MTU of the way out, and follows it', { skip }, async () => {
  await using at = await networkWorld({}, { mtu: 1_400 })
  const services = [DB]
  const mtuAt = (name: string, place: string) =>
    at.runAt(name, place, 'cat /proc/sys/net/ipv6/conf/eth0/mtu').then(({ output }) => output)
  await at.connect('job', { services })
  for (const place of ['job', 'db']) {
    assert.equal(await mtuAt('job', place), '1400\n', place)
    const { output } = await at.runAt('job', place, exchange(WORLD.outside, WORLD_ECHO_PORT))
    assert.equal(output, '1000000\n1000000', place)
  }
  // A way out with less room: those who are there announce smaller segments from now on.
  await at.onMachine('ip', 'link', 'set', 'up0', 'mtu', '1300')
  await at.onMachine('ip', 'route', 'add', '198.51.100.0/24', 'via', WORLD.neighbour)
  for (const place of ['job', 'db']) {
    const { output } = await at.runAt('job', place, exchange(WORLD.outside, WORLD_ECHO_PORT))
    assert.equal(output, '1000000\n1000000', place)
  }
  await eventually(
    async () => {
      await at.connect('next', { services })
      const mtu = await mtuAt('next', 'job')
      await at.close('next')
      assert.equal(mtu, '1300\n')
    },
    { timeoutMs: 60_000 },
  )
})

test('SEG-11: a route of the machine to addresses of jobs is said to the jobs, and avoided from the next start on', {
  skip,
}, async () => {
  await using at = await networkWorld()
  const { addresses, notes } = await at.connect('job', { services: [DB] })
  assert.equal(notes.length, 1)
  const clashing = `${addresses['db']?.replace(/\d+$/, '0')}/24`
  await at.onMachine('ip', 'route', 'add', clashing, 'via', WORLD.neighbour)
  await eventually(
    async () => {
      const next = await at.connect('next')
      await at.close('next')
      assert.match(next.notes[0] ?? '', new RegExp(`^this job can't reach ${clashing}: .*restart`))
    },
    { timeoutMs: 60_000 },
  )
  await at.kill()
  await using again = await at.again()
  const { addresses: free } = await again.connect('job', { services: [DB] })
  assert.notEqual(free['db']?.replace(/\d+$/, '0/24'), clashing)
})
