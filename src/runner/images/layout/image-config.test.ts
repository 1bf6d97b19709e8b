import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalReference } from '../store/canonical.ts'
import { parseImageConfig } from './image-config.ts'
import { checkMachine, chooseManifest } from './machine.ts'
import { isIndex, parseManifest } from './manifest.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

test('reads a configuration with everything, and one with nothing', () => {
  const whole = parseImageConfig(
    JSON.stringify({
      architecture: 'arm64',
      os: 'linux',
      rootfs: { diff_ids: [DIGEST] },
      config: {
        Cmd: ['x'],
        Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 2_000_000_000, Retries: 3 },
      },
    }),
  )
  assert.deepEqual(whole.config.healthcheck, {
    test: ['CMD-SHELL', 'true'],
    intervalMs: 2_000,
    retries: 3,
  })
  const bare = parseImageConfig('{"rootfs":{"diff_ids":null},"config":null}')
  assert.deepEqual(bare, {
    os: 'linux',
    architecture: '',
    diffIds: [],
    config: {
      entrypoint: [],
      command: [],
      env: [],
      user: '',
      workingFolder: '',
      exposedPorts: [],
    },
  })
  for (const json of ['', '{}', '{"rootfs":{"diff_ids":["md5:1"]}}']) {
    assert.throws(() => parseImageConfig(json), { code: 'invalid' })
  }
})

test('takes the image for this machine, and says what there is instead', () => {
  const one = (architecture: string, variant?: string) => ({
    digest: DIGEST,
    size: 1,
    platform: { os: 'linux', architecture, variant },
  })
  const index = (...manifests: unknown[]) => {
    const parsed = parseManifest(JSON.stringify({ schemaVersion: 2, manifests }))
    assert.ok(isIndex(parsed))
    return parsed
  }
  const many = index(one('amd64'), one('arm', 'v7'), one('arm', 'v6'), one('arm64', 'v8'))
  assert.equal(chooseManifest(many, 'arm').platform?.variant, 'v6')
  assert.equal(chooseManifest(many, 'arm64').platform?.variant, 'v8')
  // Attestations have no platform.
  const unknown = { digest: DIGEST, size: 1, platform: { os: 'unknown', architecture: 'unknown' } }
  assert.throws(() => chooseManifest(index(one('amd64'), unknown, one('arm', 'v7')), 'riscv64'), {
    message: 'it has nothing for linux/riscv64, only linux/amd64, linux/arm/v7',
  })
  assert.throws(() => checkMachine({ os: 'windows', architecture: 'amd64' }, 'amd64'), {
    message: 'it is for windows/amd64, and this machine is linux/amd64',
  })
  for (const json of ['', '[]', '{"schemaVersion":1,"fsLayers":[]}']) {
    assert.throws(() => parseManifest(json), { code: 'invalid' })
  }
})

test('spells a reference in one way', () => {
  const spellings = {
    'node:24': 'docker.io/library/node:24',
    'library/node:24': 'docker.io/library/node:24',
    'docker.io/node:24': 'docker.io/library/node:24',
    'docker.io/library/node:24': 'docker.io/library/node:24',
    'index.docker.io/team/app:1': 'docker.io/team/app:1',
    'team/app:1': 'docker.io/team/app:1',
    'localhost/app:1': 'localhost/app:1',
    'registry.example:5000/app:1': 'registry.example:5000/app:1',
  }
  for (const [full, wanted] of Object.entries(spellings)) {
    assert.equal(canonicalReference(full), wanted)
  }
})
