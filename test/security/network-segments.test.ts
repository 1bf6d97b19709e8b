import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SegmentService } from '../../src/runner/network/segment.ts'
import {
  MACHINE,
  networkWorld,
  WORLD,
  WORLD_PORT,
  withoutWorlds,
} from '../support/network-world.ts'
import { ask, reach, serve, type Target } from '../support/reach.ts'

/** What the containers of a job and its services reach, if no engine connects them. */

const skip = await withoutWorlds()

const inWorld = (...addresses: readonly string[]): readonly Target[] =>
  addresses.map((address) => [address, WORLD_PORT] as const)

const PRIVATE = [WORLD.ten, WORLD.carrier, WORLD.sixteen, WORLD.home, WORLD.neighbour]
const CLOSED = [WORLD.metadata, WORLD.azure]

function service(name: string, ...ports: readonly number[]): SegmentService {
  return { name, ports: ports.map((port) => ({ port, protocol: 'tcp' as const })) }
}

test('SEG-01: a job and its services reach each other by name, and localhost leads to services', {
  skip,
}, async () => {
  await using at = await networkWorld()
  const services = [service('db', 5432), service('web', 80)]
  const { kind, notes, addresses } = await at.connect('one', { services })
  assert.equal(kind, 'job')
  assert.deepEqual(notes, ['localhost leads to services: 5432 (db), 80 (web)'])
  await at.serveAt('one', 'db', serve('db', 5432))
  await at.serveAt('one', 'web', serve('web', 80))
  await at.serveAt('one', 'job', serve('job', 9000))
  const asked = (place: string, host: string, port: number) =>
    at.runAt('one', place, ask(host, port)).then(({ output }) => output)
  assert.equal(await asked('job', 'db', 5432), `db to ${addresses.job}\n`)
  assert.equal(await asked('job', 'localhost', 5432), `db to ${addresses.job}\n`)
  assert.equal(await asked('job', '127.0.0.1', 80), `web to ${addresses.job}\n`)
  assert.equal(await asked('web', 'db', 5432), `db to ${addresses['web']}\n`)
  assert.equal(await asked('db', 'narwhal', 9000), `job to ${addresses['db']}\n`)
  // A service's localhost is its own, and so is every port of the job that no service has.
  assert.equal(await asked('web', '127.0.0.1', 80), 'web to 127.0.0.1\n')
  assert.equal(await asked('web', '127.0.0.1', 5432), '127.0.0.1 refuses\n')
  assert.equal(await asked('job', '127.0.0.1', 9000), 'job to 127.0.0.1\n')
  assert.equal(await asked('job', '127.0.0.1', 5433), '127.0.0.1 refuses\n')
})

test('SEG-02: two services that listen on one port are reached by name, and localhost by neither', {
  skip,
}, async () => {
  await using at = await networkWorld()
  const services = [service('one', 5432), service('two', 5432)]
  const { notes } = await at.connect('job', { services })
  assert.deepEqual(notes, [
    'several services have the same port, and are reached by name only: 5432 (one, two)',
  ])
  for (const name of ['one', 'two']) await at.serveAt('job', name, serve(name, 5432))
  const { output } = await at.runAt(
    'job',
    'job',
    [ask('one', 5432), ask('two', 5432), ask('127.0.0.1', 5432)].join('\n'),
  )
  assert.match(output, /^one to 10\.\S+\ntwo to 10\.\S+\n127\.0\.0\.1 refuses\n$/)
})

test("SEG-03: services don't reach servers on the job's own loopback", { skip }, async () => {
  await using at = await networkWorld()
  const { addresses } = await at.connect('job', { services: [service('db', 5432)] })
  await at.serveAt('job', 'job', serve('secret', 7777, '127.0.0.1'))
  // As root of the machine, which no container is: it sends to the job's loopback by the bridge.
  const sneak = [
    'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet',
    'ip addr flush dev lo',
    `ip route add 127.0.0.1/32 via ${addresses.job} src ${addresses['db']}`,
    ask('127.0.0.1', 7777),
  ]
  const { output } = await at.runAt('job', 'db', sneak.join('\n'))
  assert.equal(output, '127.0.0.1 refuses\n')
  assert.equal(
    (await at.runAt('job', 'job', ask('127.0.0.1', 7777))).output,
    'secret to 127.0.0.1\n',
  )
})

test('SEG-04: a job in containers and its services are as closed as any other job', {
  skip,
}, async () => {
  await using at = await networkWorld()
  const services = [service('db', 5432)]
  for (const audience of ['own', 'strangers'] as const) {
    const { notes } = await at.connect(audience, { audience, services })
    assert.equal(notes.length, audience === 'own' ? 1 : 2, notes.join())
    const gateway = await at.runAt(
      audience,
      'job',
      "ip route | sed -n 's/^default via \\(\\S*\\).*/\\1/p'",
    )
    const { output: outer } = await at.runAt(
      audience,
      'db',
      "ip route | sed -n 's/^default via \\(\\S*\\).*/\\1/p'",
    )
    assert.match(`${gateway.output}${outer}`, /^10\.\S+\n10\.\S+\n$/)
    const machine = [...MACHINE, gateway.output.trim()].map((one) => [one, at.port] as const)
    for (const place of ['job', 'db']) {
      const where = `${audience} ${place}`
      assert.equal(
        (await at.runAt(audience, place, reach([...machine, ...inWorld(...CLOSED)]))).output,
        '',
        where,
      )
      const open = await at.runAt(audience, place, reach(inWorld(WORLD.outside, ...PRIVATE)))
      const wanted = audience === 'own' ? [WORLD.outside, ...PRIVATE] : [WORLD.outside]
      assert.equal(open.output, `${wanted.join('\n')}\n`, where)
      const names = await at.runAt(
        audience,
        place,
        'for name in outside inside; do getent ahostsv4 $name.example | head -1 | cut -d" " -f1; done',
      )
      assert.equal(
        names.output,
        audience === 'own' ? `${WORLD.outside}\n${WORLD.ten}\n` : `${WORLD.outside}\n`,
        where,
      )
      const abstract = `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); print connect(S, pack("Sa*", AF_UNIX, "\\0${at.abstract}")) ? "open" : "closed"'`
      assert.equal((await at.runAt(audience, place, abstract)).output, 'closed', where)
    }
  }
  assert.equal(await at.trouble(), '')
})

test('SEG-05: no job reaches the services of another, nor is reached by them', {
  skip,
}, async () => {
  await using at = await networkWorld()
  const { addresses } = await at.connect('one', { services: [service('db', 5432)] })
  const targets: Target[] = []
  for (const place of ['job', 'db']) {
    await at.serveAt('one', place, serve(place, 7777))
    targets.push([addresses[place] ?? '', 7777])
  }
  assert.equal(
    (await at.runAt('one', 'job', reach(targets))).output,
    `${addresses.job}\n${addresses['db']}\n`,
  )
  const [, outer = ''] =
    /inet (10\.[0-9.]+)/.exec((await at.runAt('one', 'job', 'ip -4 addr show eth0')).output) ?? []
  assert.notEqual(outer, '')
  targets.push([outer, 7777])
  assert.equal((await at.runAt('one', 'job', reach([[outer, 7777]]))).output, `${outer}\n`)
  await at.connect('two', { services: [service('db', 5432)] })
  await at.connect('stranger', { audience: 'strangers', services: [service('db', 5432)] })
  await at.connect('alone')
  await at.open('bubblewrapped')
  for (const [name, place] of [
    ['two', 'job'],
    ['two', 'db'],
    ['stranger', 'job'],
    ['stranger', 'db'],
    ['alone', 'job'],
  ] as const) {
    assert.equal((await at.runAt(name, place, reach(targets))).output, '', `${name} ${place}`)
  }
  assert.equal((await at.run('bubblewrapped', reach(targets))).output, '')
  // The machine itself has no route to services, so nobody sends to them through it.
  assert.doesNotMatch(await at.onMachine('ip', 'route', 'get', addresses['db'] ?? ''), /dev nw\w+n/)
})

test('SEG-06: without a way out, a job and its services reach each other and nothing else', {
  skip,
}, async () => {
  await using at = await networkWorld()
  const services = [service('db', 5432)]
  const { kind, notes } = await at.connect('job', { reach: 'none', services })
  assert.deepEqual([kind, notes], ['job', ['localhost leads to services: 5432 (db)']])
  await at.serveAt('job', 'db', serve('db', 5432))
  const { output } = await at.runAt('job', 'job', `${ask('db', 5432)}\n${ask('localhost', 5432)}`)
  assert.match(output, /^db to 10\.\S+\ndb to 10\.\S+\n$/)
  const targets = [...inWorld(WORLD.outside), ...MACHINE.map((one) => [one, at.port] as const)]
  for (const place of ['job', 'db']) {
    assert.equal((await at.runAt('job', place, reach(targets))).output, '', place)
    // A name that is nobody's is answered at once.
    assert.equal(
      (await at.runAt('job', place, 'timeout 2 getent hosts nobody; echo $?')).output,
      '2\n',
    )
  }
  assert.equal((await at.connect('empty', { reach: 'none' })).kind, 'none')
})

test('SEG-07: any user binds port 80 and ::1 in them, and uses ping', { skip }, async () => {
  await using at = await networkWorld()
  await at.connect('alone')
  await at.connect('job', { services: [service('web', 80)] })
  const become =
    'setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set=-all'
  const bind = `perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); print bind(S, pack_sockaddr_in(80, INADDR_ANY)) ? "80 " : $!'`
  const ping = `perl -MSocket -e 'print socket(S, AF_INET, SOCK_DGRAM, 1) ? "ping " : $!'`
  const six = `perl -MSocket=:all -e 'socket(S, AF_INET6, SOCK_STREAM, 0); print bind(S, pack_sockaddr_in6(0, inet_pton(AF_INET6, "::1"))) ? "six" : $!'`
  const script = [bind, ping, six].map((one) => `${become} ${one}`).join('\n')
  for (const [name, place] of [
    ['alone', 'job'],
    ['job', 'job'],
    ['job', 'web'],
  ] as const) {
    assert.equal((await at.runAt(name, place, script)).output, '80 ping six', `${name} ${place}`)
    assert.match((await at.runAt(name, place, 'getent hosts localhost')).output, /^::1 /)
  }
})

test('SEG-08: a segment is given back whole, and its next start removes what a killed runner left', {
  skip,
}, async () => {
  await using at = await networkWorld()
  const services = [service('db', 5432), service('web', 80)]
  await at.connect('ready')
  const [, id = ''] = /narwhal_(\w{6})/.exec(await at.onMachine('nft', 'list', 'tables')) ?? []
  const ours = new RegExp(`^nw${id}.*[xi]\\w`)
  const left = async () =>
    (await at.onMachine('ls', '/run/netns')).split('\n').filter((name) => ours.test(name))
  await at.connect('first', { services })
  await at.close('first')
  assert.deepEqual(await left(), [])
  await at.connect('second', { services })
  await at.connect('third', { reach: 'none', services })
  assert.equal((await left()).length, 5)
  await at.kill()
  await using next = await at.again()
  await next.connect('job', { services: [service('db', 5432)] })
  assert.equal((await left()).length, 1)
  await next.close('job')
  assert.deepEqual(await left(), [])
})

test('SEG-12: localhost follows what becomes known of the ports of services', {
  skip,
}, async () => {
  await using at = await networkWorld()
  const services = [service('one', 5432), service('two')]
  await at.connect('job', { services })
  for (const name of ['one', 'two']) await at.serveAt('job', name, serve(name, 5432))
  await at.serveAt('job', 'two', serve('two', 6000))
  const asked = (port: number) =>
    at.runAt('job', 'job', ask('127.0.0.1', port)).then(({ output }) => output.split(' ')[0])
  assert.deepEqual([await asked(5432), await asked(6000)], ['one', '127.0.0.1'])
  const exposed = [6000, 5432].map((port) => ({ port, protocol: 'tcp' as const }))
  assert.deepEqual(await at.expose('job', 'two', exposed), [
    'localhost leads to services: 6000 (two)',
    'several services have the same port, and are reached by name only: 5432 (one, two)',
  ])
  assert.deepEqual([await asked(5432), await asked(6000)], ['127.0.0.1', 'two'])
  const echo = `exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp", LocalPort => 53) or die; $| = 1; print qq(ready\\n); while ($s->recv($d, 99)) { $s->send("two heard $d") }'`
  await at.serveAt('job', 'two', echo)
  await at.expose('job', 'two', [{ port: 53, protocol: 'udp' }])
  const say = `timeout 5 perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "127.0.0.1:53") or die; $s->send("it"); $s->recv($d, 99); print $d'`
  assert.equal((await at.runAt('job', 'job', say)).output, 'two heard it')
})

test('SEG-13: with --sandbox-network none a job reaches its services, and its log says why nothing else', {
  skip,
}, async () => {
  await using at = await networkWorld({ mode: 'none' })
  const services = [service('db', 5432)]
  const { notes } = await at.connect('job', { services })
  assert.match(notes[0] ?? '', /^this job has no network: .*--sandbox-network none$/)
  await at.serveAt('job', 'db', serve('db', 5432))
  assert.match((await at.runAt('job', 'job', ask('localhost', 5432))).output, /^db to 10\./)
  for (const place of ['job', 'db']) {
    const all = [...inWorld(WORLD.outside), ...MACHINE.map((one) => [one, at.port] as const)]
    assert.equal((await at.runAt('job', place, reach(all))).output, '', place)
  }
  assert.equal((await at.connect('alone')).kind, 'none')
})

test("SEG-14: with --sandbox-network host a stranger's job reaches nothing, and services are refused", {
  skip,
}, async () => {
  await using at = await networkWorld({ mode: 'host' })
  assert.equal((await at.connect('own')).kind, 'machine')
  assert.equal((await at.connect('closed', { reach: 'none' })).kind, 'none')
  const { kind, notes } = await at.connect('stranger', { audience: 'strangers' })
  assert.equal(kind, 'none')
  assert.match(notes.join(), /a stranger's job never gets the machine's own/)
  const services = [service('db', 5432)]
  await assert.rejects(
    at.connect('with', { services }),
    /^Error: services need a network of their own/,
  )
  assert.equal((await at.connect('closed-with', { reach: 'none', services })).kind, 'job')
})
