import { runnerImport } from 'vite'

// A Ceph gateway with a bucket, for benchmarks by hand: `node test/support/hold-ceph.mjs`. Prints the settings that lead feedctl there, one a line, as
// for a shell, and holds the gateway until its input ends or it is interrupted.
const { module } = await runnerImport(new URL('ceph.ts', import.meta.url).pathname)
// Room for two copies of 4 GB: what is removed is freed within seconds, not hours.
const freeing = ['rgw gc obj min wait = 1', 'rgw gc processor period = 3', 'rgw gc processor max time = 60']
const ceph = await module.startCeph(12 * 1024 ** 3, freeing)
try {
  const { env } = await ceph.newBucket()
  for (const [name, value] of Object.entries(env)) process.stdout.write(`export ${name}='${value}'\n`)
  await new Promise(resolve => {
    process.stdin.resume().once('end', resolve)
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, resolve)
  })
} finally {
  await ceph.dispose()
}
process.exit()
