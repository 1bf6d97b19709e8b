import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neededRole } from './needed-role.ts'

const ROLES = {
  'GET /api/v1/pipelines': 'viewer',
  'HEAD /api/v1/queue': 'viewer',
  'POST /api/v1/tokens': 'viewer',
  'DELETE /api/v1/tokens/token_1': 'viewer',
  'POST /api/v1/pipelines': 'member',
  'POST /api/v1/pipelines/pipeline_1/rerun': 'member',
  'POST /api/v1/pipelines/pipeline_1/rerun-failed': 'member',
  'POST /api/v1/pipelines/pipeline_1/cancel': 'member',
  'POST /api/v1/pipelines/pipeline_1/approve': 'member',
  'GET /api/v1/secrets': 'viewer',
  'PUT /api/v1/secrets/KEY': 'admin',
  'DELETE /api/v1/repositories/ada%2Fshop/secrets/KEY': 'admin',
  'POST /api/v1/jobs/job_1/rerun': 'member',
  'POST /api/v1/jobs/job_1/cancel': 'member',
  'DELETE /api/v1/pipelines/pipeline_1/cancel': 'admin',
  'POST /api/v1/repositories': 'admin',
  'DELETE /api/v1/repositories/ada%2Fshop': 'admin',
  'POST /api/v1/runners/tokens': 'admin',
  'POST /api/v1/users': 'admin',
  'PATCH /api/v1/users/user_1': 'admin',
  'POST /api/v1/something/new': 'admin',
  'POST /api/v1/pipelines/../users': 'admin',
  'POST /api/v1/pipelines/..%2f..%2fusers/cancel': 'admin',
  'POST /api/v1/jobs/../users/cancel': 'admin',
  'DELETE /api/v1/tokens/../users': 'admin',
  'POST /api/v1/%70ipelines': 'admin',
} as const

test('who may only look, run or do everything is told by method and path', () => {
  for (const [request, role] of Object.entries(ROLES)) {
    const [method = '', path = ''] = request.split(' ')
    assert.equal(neededRole(method, path), role, request)
  }
})
