import { z } from 'zod'
import { accepted, repositoryParams, statusBody } from '../rest.ts'
import { auditHead, auditLinesQuery, auditList, auditQuery } from '../rest-audit.ts'
import { keepRules, retentionPreview, retentionState } from '../rest-retention.ts'
import { endpoints } from './endpoint.ts'

export const upkeepEndpoints = {
  ...endpoints('status', {
    status: {
      summary: 'The version, and the number of the newest state change',
      answer: statusBody,
    },
  }),
  ...endpoints('retention', {
    getRetention: {
      summary: 'The retention rules, what was removed, and the space left in the database',
      answer: retentionState,
    },
    previewRetention: { summary: 'What would be removed now', answer: retentionPreview },
    keepRepository: {
      summary: 'Set how long the pipelines and logs of a repository are kept',
      params: repositoryParams,
      body: keepRules,
      answer: accepted,
    },
  }),
  ...endpoints('audit', {
    listAudit: {
      summary: 'The audit log, newest first, in pages; for administrators',
      query: auditQuery,
      answer: auditList,
    },
    getAuditHead: {
      summary: 'The number and hash of the newest entry, and where retention truncated the log',
      answer: auditHead,
    },
    readAuditLines: {
      summary: 'All entries after a number, oldest first, one JSON object per line',
      query: auditLinesQuery,
      produces: ['application/x-ndjson'],
      answer: z.string(),
    },
  }),
}
