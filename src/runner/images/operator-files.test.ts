import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { findProgram, isRoot } from '#root/test/support/services/programs.ts'
import { testRegistry } from './fixtures/registry.fixture.ts'
import { LAYERS, registryImages } from './fixtures/registry-images.fixture.ts'

const run = promisify(execFile)
const skip =
  (!isRoot() && 'only root can unpack without a user namespace') ||
  (!findProgram('skopeo') && 'skopeo is not installed (apt: skopeo)')

type Images = Awaited<ReturnType<typeof registryImages>>

/** Writes a file of the operator's configuration of containers. */
function configure({ dir }: Pick<Images, 'dir'>, name: string, text: string): void {
  mkdirSync(dir.join('.config/containers'), { recursive: true })
  writeFileSync(dir.join(`.config/containers/${name}`), text)
}

test('a tag with a mirror is asked of the mirror, and the registry itself of nothing', {
  skip,
}, async () => {
  await using at = await registryImages()
  await using origin = await testRegistry()
  const digest = at.push('team/app:1')
  configure(
    at,
    'registries.conf',
    `
# A comment.
[[registry]]
location = "${origin.host}"
insecure = true
[[registry.mirror]]
location = "${at.registry.host}"
insecure = true
`,
  )
  const name = `${origin.host}/team/app:1`
  await using image = await at.holdFull(name)
  assert.equal(image.digest, digest)
  const newer = at.push('team/app:1', { layers: [[{ name: 'newer' }]] })
  await using same = await at.holdFull(name)
  assert.equal(same.digest, digest)
  await using newest = await at.holdFull(name, { pull: 'always' })
  assert.equal(newest.digest, newer)
  assert.deepEqual(origin.requests, [])
})

test('a registry that the operator blocks is not asked', { skip }, async () => {
  await using at = await registryImages()
  at.push('app:1')
  configure(
    at,
    'registries.conf',
    `[[registry]]\nlocation = "${at.registry.host}"\nblocked = true\n`,
  )
  await assert.rejects(at.hold('app:1'), /can't be pulled: .*blocked/)
  assert.deepEqual(at.registry.requests, [])
})

test("the operator's policy decides what may be fetched, and says so", { skip }, async () => {
  await using at = await registryImages()
  at.push('good/app:1')
  // Of the same layers, so that none has to be fetched.
  at.push('bad/app:1', { layers: LAYERS, config: { Cmd: ['bad'] } })
  const accept = [{ type: 'insecureAcceptAnything' }]
  const docker = { [`${at.registry.host}/good`]: accept }
  configure(
    at,
    'policy.json',
    JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } }),
  )
  await using image = await at.hold('good/app:1')
  assert.equal(image.layers.length, 2)
  await assert.rejects(at.hold('bad/app:1'), /can't be pulled: .*rejected by policy/)
  assert.deepEqual(
    (await at.store.list()).map(({ reference }) => reference),
    [`${at.registry.host}/good/app:1`],
  )
})

const HELPER = `#!/bin/sh
read -r key
echo "$1 $key" >>"$HOME/asked"
[ "$key" = "$(cat "$HOME/host")" ] || exit 1
echo '{"ServerURL":"x","Username":"ann","Secret":"right"}'
`

for (const kind of ['credHelpers', 'credsStore'] as const) {
  test(`the operator's login comes from a real credential helper: ${kind}`, { skip }, async () => {
    await using at = await registryImages()
    at.registry.locked.set('secret', { name: 'ann', password: 'right' })
    at.push('secret:1')
    const { host } = at.registry
    const named = kind === 'credsStore' ? 'narwhal-test' : { [host]: 'narwhal-test' }
    at.operatorHas(JSON.stringify({ [kind]: named }))
    writeFileSync(at.dir.join('host'), host)
    writeFileSync(at.dir.join('helper'), HELPER, { mode: 0o755 })
    // Programs are found in the usual folders only.
    const script = `
      mount -t tmpfs none /usr/local/bin
      cp helper /usr/local/bin/docker-credential-narwhal-test
      exec "$@"`
    const fixture = new URL('./fixtures/pull-once.fixture.ts', import.meta.url).pathname
    const apart = ['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh']
    const child = [process.execPath, fixture, at.dir.path, `${host}/secret:1`]
    const { stdout } = await run('unshare', [...apart, ...child], { cwd: at.dir.path })
    assert.match(stdout, /^2 layers$/m)
  })
}
