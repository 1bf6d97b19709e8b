import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWebStage, type WebStage } from '#root/test/support/web-stage.ts'
import {
  activityList,
  placementList,
  trendList,
  usedConfig,
} from '../../contract/rest/rest-insights.ts'
import { logSectionList } from '../../contract/rest/rest-logs.ts'

async function read(web: WebStage, path: string): Promise<unknown> {
  const response = await fetch(`${web.url}/api/v1${path}`)
  assert.equal(response.status, 200, await response.clone().text())
  return await response.json()
}

test('looks back over what pipelines, jobs and runners did', async () => {
  await using web = await openWebStage()
  const { stage } = web
  const { pipeline, job } = await stage.runJob()
  await stage.finish(job, 'failure')
  await stage.end(pipeline, 'failure')
  const { repositories } = activityList.parse(await read(web, '/activity'))
  assert.deepEqual(
    repositories.map(({ runs }) => runs.map(({ id, outcome }) => [id, outcome])),
    [[[pipeline.id, 'failure']]],
  )
  const { placements } = placementList.parse(await read(web, '/placements'))
  assert.deepEqual(
    placements.map(({ jobId, jobName, outcome, heuristic }) => [
      jobId,
      jobName,
      outcome,
      heuristic,
    ]),
    [[job.id, 'build', 'failure', 'least-loaded']],
  )
  const path = `/repositories/${pipeline.repositoryId}/trends`
  const { points } = trendList.parse(await read(web, path))
  assert.deepEqual(
    points.map(({ number, jobs }) => [number, jobs.map(({ name, steps }) => [name, steps.length])]),
    [[1, [['build', 1]]]],
  )
  const { yaml } = usedConfig.parse(await read(web, `/pipelines/${pipeline.id}/config`))
  assert.match(yaml, /command: npm test/)
})

test('tells which lines of a log belong to which step', async () => {
  await using web = await openWebStage()
  const { job } = await web.stage.runJob()
  const path = `/jobs/${job.id}/attempts/1/log/sections`
  assert.deepEqual(await read(web, path), { sections: [], total: 0 })
  await web.stage.print(job, 0, Array.from({ length: 130 }, String))
  await web.stage.print(job, 130, ['one'], 1)
  await web.stage.print(job, 131, ['a', 'b', 'c'], 4)
  assert.deepEqual(logSectionList.parse(await read(web, path)), {
    sections: [
      { step: 0, from: 0, count: 130 },
      { step: 1, from: 130, count: 1 },
      { step: 4, from: 131, count: 3 },
    ],
    total: 134,
  })
})
