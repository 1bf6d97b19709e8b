import { z } from 'zod'
import { accepted, repositoryParams, statusBody } from '../rest.ts'
import { auditHead, auditLinesQuery, auditList, auditQuery } from '../rest-audit.ts'
import { keepRules, retentionPreview, retentionState } from '../rest-retention.ts'
import type { Endpoint } from './endpoint.ts'
import { ROUTES } from './routes.ts'

export const upkeepEndpoints = {
  status: {
    ...ROUTES.status,
    summary: 'The version, and the number of the newest state change',
    tags: ['status'],
    answer: statusBody,
  },
  getRetention: {
    ...ROUTES.getRetention,
    summary: 'How long things are kept, what was removed, and how much room the database has',
    tags: ['retention'],
    answer: retentionState,
  },
  previewRetention: {
    ...ROUTES.previewRetention,
    summary: 'What would be removed now',
    tags: ['retention'],
    answer: retentionPreview,
  },
  keepRepository: {
    ...ROUTES.keepRepository,
    summary: 'Choose how long the pipelines of a repository, and their logs, are kept',
    tags: ['retention'],
    params: repositoryParams,
    body: keepRules,
    answer: accepted,
  },
  listAudit: {
    ...ROUTES.listAudit,
    summary: 'Who did what, newest first, in pages; for administrators',
    tags: ['audit'],
    query: auditQuery,
    answer: auditList,
  },
  getAuditHead: {
    ...ROUTES.getAuditHead,
    summary: 'The number and hash of the newest entry, and where retention has cut the log',
    tags: ['audit'],
    answer: auditHead,
  },
  readAuditLines: {
    ...ROUTES.readAuditLines,
    summary: 'All entries behind a number, oldest first, one JSON object a line',
    tags: ['audit'],
    query: auditLinesQuery,
    produces: ['application/x-ndjson'],
    answer: z.string(),
  },
} as const satisfies Readonly<Record<string, Endpoint>>
