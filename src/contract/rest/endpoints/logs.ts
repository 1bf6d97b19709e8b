import { z } from 'zod'
import { attemptParams } from '../rest.ts'
import {
  logFollowQuery,
  logPage,
  logQuery,
  logSearch,
  logSearchQuery,
  logSectionList,
  logTextQuery,
  redactLog as redactBody,
  redactedLog,
} from '../rest-logs.ts'
import { endpoints } from './endpoint.ts'

export const logsEndpoints = endpoints('logs', {
  readLog: {
    summary: 'Lines of a log, from or before a line number',
    params: attemptParams,
    query: logQuery,
    answer: logPage,
  },
  listLogSections: {
    summary: 'Which lines of a log belong to which step',
    params: attemptParams,
    answer: logSectionList,
  },
  searchLog: {
    summary: 'Search a log for text: matching lines, in pages, and their number',
    params: attemptParams,
    query: logSearchQuery,
    answer: logSearch,
  },
  readLogText: {
    summary: 'The whole log as plain text',
    params: attemptParams,
    query: logTextQuery,
    produces: ['text/plain'],
    answer: z.string(),
  },
  followLog: {
    summary: 'Stream a log, one JSON object per line, until the attempt has finished',
    params: attemptParams,
    query: logFollowQuery,
    produces: ['application/x-ndjson'],
    answer: z.string(),
  },
  redactLog: {
    summary: 'Redact a log, or one step of it',
    params: attemptParams,
    body: redactBody,
    answer: redactedLog,
  },
})
