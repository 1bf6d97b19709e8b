import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userWorld, withoutUserWorlds } from '../support/network-user.ts'

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
