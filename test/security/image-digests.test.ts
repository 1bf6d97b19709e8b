import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soundImages } from '../../src/core/attempt/image-run.ts'
import { parseEngineAddress } from '../../src/runner/executor/docker/engine/docker-address.ts'
import { DockerApi } from '../../src/runner/executor/docker/engine/docker-api.ts'
import { eventually } from '../support/eventually.ts'
import { gitRepository } from '../support/git-repository.ts'
import { importTestImage, withoutContainers } from '../support/imported-image.ts'
import { startUp } from '../support/installation.ts'
import { testImage, testService } from '../support/services.ts'
import { tempDir } from '../support/temp-dir.ts'

/** Which image bytes a job has run, even after the image's name refers to others. */

const docker = testService('docker')

test('RUN-07: every attempt records the digest of each image that it ran, those of services too', {
  skip: docker.skip,
}, async () => {
  const id = await new DockerApi(parseEngineAddress(docker.url)).findImage(testImage())
  await assertRecords(id, { executor: `docker:${docker.url}` })
})

test('RUN-07: … with containers without an engine', {
  skip: await withoutContainers(),
}, async () => {
  await using data = await tempDir()
  const digest = await importTestImage(data.path)
  await assertRecords(digest, { executor: 'oci:', data: data.path })
})

async function assertRecords(
  digest: string | undefined,
  flags: Readonly<Record<string, string>>,
): Promise<void> {
  assert.match(digest ?? '', /^sha256:/)
  const image = testImage()
  const file = [
    `image: ${image}`,
    'services: { beside: { image: ' + image + ', command: [sleep, "600"] } }',
    'steps: [{ name: go, command: "true" }]',
  ].join('\n')
  await using repository = await gitRepository({ files: { 'narwhal.yml': `${file}\n` } })
  await using narwhal = await startUp(flags)
  const { client } = narwhal
  const added = await client.addRepository({ name: 'digests', cloneUrl: repository.path })
  const started = await client.startPipeline({ repository: added.repository.id })
  const { jobs } = await eventually(
    async () => {
      const now = await client.getPipeline(started.id)
      return now.pipeline.status === 'finished' && now
    },
    { timeoutMs: 60_000 },
  )
  const [job] = jobs
  assert.equal(job?.outcome, 'success')
  const [attempt] = await client.listAttempts(job.id)
  const sandbox = attempt?.phases.find(({ name }) => name === 'sandbox')
  assert.ok(sandbox?.images && sandbox.images.length > 0)
  for (const one of sandbox.images) assert.equal(one.digest, digest)
  assert.ok(sandbox.images.some((one) => one.image.includes(image.split(':')[0] ?? image)))
}

test('RUN-07b: image digests reported by a runner are validated', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const many = Array.from({ length: 500 }, (_, n) => ({ image: `i${n}`, digest }))
  assert.equal(soundImages(many).length, 64)
  assert.deepEqual(
    soundImages([
      { image: 'x', digest: '<script>' },
      { image: 'y'.repeat(600), digest },
    ]),
    [],
  )
  assert.deepEqual(soundImages([{ image: 'x', digest }]), [{ image: 'x', digest }])
})
