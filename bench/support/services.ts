import { type RunningServices, startServices } from '../../test/support/services/start-services.ts'

/**
 * The services that the benchmarks share with the tests: those that NARWHAL_TEST_… names, and private
 * ones for the others, stopped on disposal. Afterwards `testService` finds them in this process.
 */
export async function benchServices(
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<RunningServices> {
  const services = await startServices((line) => say(`  ${line}`), signal)
  Object.assign(process.env, services.env)
  return services
}
