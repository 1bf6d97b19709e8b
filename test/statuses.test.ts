import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { finished, pipelineOf, push, register, startUp } from './support/installation.ts'
import { statusForge } from './support/status-forge.ts'
import { tempDir } from './support/temp-dir.ts'

const TOKEN = 'ghp_a-token-that-nobody-may-read'
const FILE = { 'narwhal.yml': 'image: busybox\nsteps:\n  - print hello\n' }

test('a pipeline never waits for a forge that hangs, and a restart tells what was not told', async () => {
  await using forge = await statusForge()
  await using repository = await gitRepository({ files: FILE })
  await using dir = await tempDir()
  const flags = { data: dir.join('data'), publicUrl: 'https://ci.example.com' }
  let id: `pipeline_${string}`
  {
    await using narwhal = await startUp(flags)
    const { client } = narwhal
    await client.addRepository({ name: 'ada/app', cloneUrl: repository.path, pollIntervalMs: 0 })
    await assert.rejects(client.getForgeLink('ada/app'), { code: 'not_found' })
    await assert.rejects(client.linkForge('ada/app', { token: TOKEN }), {
      code: 'invalid',
      message: /can.t tell from the clone URL of ada\/app where statuses go: give `forge`/,
    })
    const link = { forge: 'gitea', apiUrl: `${forge.url}/api/v1/`, project: 'ada/app' } as const
    const shown = await client.linkForge('ada/app', { ...link, token: TOKEN })
    assert.equal(shown.apiUrl, `${forge.url}/api/v1`)
    assert.ok(!JSON.stringify(shown).includes(TOKEN))
    forge.behaviour = 'hang'
    ;({ id } = await client.startPipeline({ repository: 'ada/app' }))
    await eventually(() => forge.posted.length === 1)
    assert.equal((await finished(narwhal, id)).pipeline.outcome, 'success')
    assert.equal(forge.posted.length, 1)
    assert.equal((await client.getForgeLink('ada/app')).last, undefined)
    assert.ok(!narwhal.output().includes(TOKEN))
  }
  forge.behaviour = { status: 201 }
  await using narwhal = await startUp(flags)
  const link = await eventually(async () => {
    const shown = await narwhal.client.getForgeLink('ada/app')
    return shown.last ? shown : null
  })
  assert.deepEqual([link.last?.pipelineId, link.last?.state], [id, 'success'])
  assert.deepEqual(
    forge.taken.map(({ path, body }) => [path, body['state'], body['target_url']]),
    [
      [
        `/api/v1/repos/ada/app/statuses/${await repository.head()}`,
        'success',
        `https://ci.example.com/pipelines/${id}`,
      ],
    ],
  )
  await narwhal.client.unlinkForge('ada/app')
  await assert.rejects(narwhal.client.getForgeLink('ada/app'), { code: 'not_found' })
})

test('a branch without narwhal.yml is skipped and gets no status; a person who starts it sees an error', async () => {
  await using forge = await statusForge()
  await using repository = await gitRepository({ files: { 'README.md': 'none yet' } })
  await using narwhal = await startUp({ userRequests: 'private' })
  const { client } = narwhal
  const registered = await register(narwhal, repository.path)
  const link = { forge: 'github', apiUrl: forge.url, project: 'ada/app', token: TOKEN } as const
  await client.linkForge(registered.id, link)
  const pushed = async (files: Record<string, string | null>) => {
    const sha = await repository.commit(files)
    const { body } = await push(narwhal, registered, { sha })
    return (await finished(narwhal, (await pipelineOf(narwhal, body.eventId)).id)).pipeline
  }
  const without = await pushed({ 'README.md': 'still none' })
  assert.deepEqual([without.outcome, without.reason], ['skipped', 'no narwhal.yml'])
  assert.deepEqual(without.problems, [])

  const { id } = await client.startPipeline({ repository: registered.id })
  const { pipeline: started } = await finished(narwhal, id)
  assert.equal(started.outcome, 'error')
  assert.match(started.problems[0]?.message ?? '', /there is no narwhal.yml at commit/)

  const broken = await pushed({ 'narwhal.yml': 'steps: 7' })
  assert.equal(broken.outcome, 'error')
  const toldOf = () => forge.taken.map(({ path, body }) => [path.slice(-40), body['state']])
  // That of the first commit is that of the person's pipeline.
  const expected = [started.event.sha, broken.event.sha].map((sha) => [sha, 'error'])
  await eventually(() => assert.deepEqual(toldOf(), expected))
})
