import assert from 'node:assert/strict'
import { readdir, readlink } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { USER_WORLD_OUTSIDE, userWorld, withoutUserWorlds } from '../support/network-user.ts'
import { ask, reach, serve } from '../support/reach.ts'

/** What a job in bubblewrap can reach if the runner is an ordinary user. */

for (const program of ['pasta', 'slirp4netns'] as const) {
  test(`NET-15: with ${program} a job reaches no loopback and no abstract socket of the machine`, {
    skip: await withoutUserWorlds(program),
  }, async () => {
    await using at = await userWorld(program)
    assert.deepEqual(await at.open('job'), [])
    const ports = ['127.0.0.1', '::1', '10.0.2.2', '169.254.6.53'].map(
      (host) =>
        `timeout 3 bash -c 'exec 3<>/dev/tcp/${host}/${at.port}' 2>/dev/null && echo ${host} || true`,
    )
    assert.equal((await at.run('job', ports.join('\n'))).output, '')
    const abstract = `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); print connect(S, pack("Sa*", AF_UNIX, "\\0${at.abstract}")) ? "open" : "closed"'`
    assert.equal((await at.run('job', abstract)).output, 'closed')
    // It has a route, and a name server.
    assert.notEqual((await at.run('job', 'sed 1d /proc/net/route')).output, '')
    assert.match(
      (await at.run('job', 'cat /etc/resolv.conf')).output,
      /^nameserver (169\.254\.6\.53|10\.0\.2\.3)$/m,
    )
    assert.equal(await at.trouble(), '')
  })

  test(`NET-16: with ${program} a stranger's job has no network, and its log says what to do`, {
    skip: await withoutUserWorlds(program),
  }, async () => {
    await using at = await userWorld(program)
    const [note = ''] = await at.open('stranger', true)
    assert.match(
      note,
      /^this job has no network: \w+ can't keep a stranger's job from private networks; /,
    )
    const { output } = await at.run(
      'stranger',
      'sed 1,2d /proc/net/dev | cut -d: -f1; sed 1d /proc/net/route',
    )
    assert.equal(output.trim(), 'lo')
  })
}

test('NET-17: without either program a job has no network, and its log says what to install', {
  skip: await withoutUserWorlds('none'),
}, async () => {
  await using at = await userWorld('none')
  const [note] = await at.open('job')
  assert.equal(
    note,
    'this job has no network: the runner is not root, and needs pasta or slirp4netns for it: apt-get install passt',
  )
  const { output } = await at.run('job', 'sed 1,2d /proc/net/dev | cut -d: -f1')
  assert.equal(output.trim(), 'lo')
})

for (const program of ['pasta', 'slirp4netns'] as const) {
  test(`NET-30: with ${program} the containers of a job reach each other, and no loopback of the machine`, {
    skip: await withoutUserWorlds(program),
  }, async () => {
    await using at = await userWorld(program)
    const services = ['db', 'web'].map((name, index) => ({
      name,
      ports: [{ port: 5432 + index, protocol: 'tcp' as const }],
    }))
    const { kind, notes, addresses } = await at.connect('job', { services })
    assert.equal(kind, 'job')
    assert.deepEqual(notes, ['localhost leads to services: 5432 (db), 5433 (web)'])
    await at.serveAt('job', 'db', serve('db', 5432))
    await at.serveAt('job', 'web', serve('web', 80))
    await at.serveAt('job', 'job', serve('job', 9000))
    const asked = (place: string, host: string, port: number) =>
      at.runAt('job', place, ask(host, port)).then(({ output }) => output)
    assert.equal(await asked('job', 'db', 5432), `db to ${addresses.job}\n`)
    assert.equal(await asked('job', 'localhost', 5432), `db to ${addresses.job}\n`)
    assert.equal(await asked('web', 'db', 5432), `db to ${addresses['web']}\n`)
    assert.equal(await asked('job', 'web', 80), `web to ${addresses.job}\n`)
    assert.equal(await asked('db', 'narwhal', 9000), `job to ${addresses['db']}\n`)
    const closed = ['127.0.0.1', '::1', '10.0.2.2', '169.254.6.53'].map(
      (host) => [host, at.port] as const,
    )
    for (const place of ['job', 'db']) {
      assert.equal((await at.runAt('job', place, reach(closed))).output, '', place)
      const beyond = reach([[USER_WORLD_OUTSIDE, at.port]])
      assert.equal((await at.runAt('job', place, beyond)).output, `${USER_WORLD_OUTSIDE}\n`, place)
      // A container's runtime mounts the interfaces of its namespace.
      const sys = 'mount -t sysfs sysfs /mnt && ls /mnt/class/net'
      const own = place === 'db' ? /^eth0\nlo\n$/ : /^lo\n.*services\n/ms
      assert.match((await at.runAt('job', place, sys)).output, own)
      // Many ids, and none of them that of root on the machine.
      assert.match(
        (await at.runAt('job', place, 'cat /proc/self/uid_map; id -u')).output,
        / 0 +65534 +1\n +1 +1000000 +65536\n0\n$/,
      )
    }
    // A segment without a way out reaches its own.
    await at.connect('closed', { reach: 'none', services })
    await at.serveAt('closed', 'db', serve('db', 5432))
    assert.match((await at.runAt('closed', 'job', ask('localhost', 5432))).output, /^db to 10\./)
    assert.equal((await at.runAt('closed', 'job', 'ip route | grep default || true')).output, '')
    // Strangers get one like it.
    const stranger = await at.connect('stranger', { audience: 'strangers', services })
    assert.match(stranger.notes[0] ?? '', /^this job has no network: \w+ can't keep a stranger's/)
    assert.equal((await at.runAt('stranger', 'db', 'ip route | grep default || true')).output, '')
    for (const name of ['job', 'closed', 'stranger']) await at.close(name)
  })
}

test('NET-31: the networks of a killed runner of an ordinary user end with it', {
  skip: await withoutUserWorlds('slirp4netns'),
}, async () => {
  await using at = await userWorld('slirp4netns')
  const services = [{ name: 'db', ports: [] }]
  const namespaces: string[] = []
  for (const [name, reach] of [
    ['open', 'outside'],
    ['closed', 'none'],
  ] as const) {
    await at.connect(name, { reach, services })
    for (const place of ['job', 'db']) {
      const { output } = await at.runAt(
        name,
        place,
        'readlink /proc/self/ns/net /proc/self/ns/user',
      )
      namespaces.push(...output.trim().split('\n'))
    }
  }
  assert.equal(new Set(namespaces).size, 6)
  const held = async () => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const links = pids.flatMap((pid) => ['net', 'user'].map((kind) => `/proc/${pid}/ns/${kind}`))
    const all = await Promise.all(links.map((link) => readlink(link).catch(() => '')))
    return all.filter((link) => namespaces.includes(link)).length
  }
  assert.ok((await held()) > 0)
  await at.kill()
  await eventually(async () => assert.equal(await held(), 0))
})

for (const program of ['pasta', 'slirp4netns'] as const) {
  test(`NET-32: with ${program} on a machine that is offline, jobs run and reach their services`, {
    skip: await withoutUserWorlds(program),
  }, async () => {
    await using at = await userWorld(program, { isOffline: true })
    const services = [{ name: 'db', ports: [{ port: 5432, protocol: 'tcp' as const }] }]
    const { kind, notes } = await at.connect('job', { services })
    assert.equal(kind, 'job')
    // slirp4netns makes a network that leads nowhere yet.
    const why = /^this job has no network: .*pasta failed to .*, and a route to the outside$/
    if (program === 'pasta') assert.match(notes[0] ?? '', why)
    else assert.equal(notes.length, 1)
    await at.serveAt('job', 'db', serve('db', 5432))
    assert.match((await at.runAt('job', 'job', ask('localhost', 5432))).output, /^db to 10\./)
  })
}
