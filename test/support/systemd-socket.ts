import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What it takes for such a socket, and to write to it. */
export const hasSystemdPrograms = ['systemd-notify', 'python3'].every(
  name => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
)

/** A socket as systemd's: prints each message it gets, on one line, after a first line that says it listens. */
const RECEIVER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(receiver.recv(4096).decode().strip().replace('\\n', '|'), flush=True)
`

/** Where systemd would listen to a service of `Type=notify`. */
export class SystemdSocket implements Disposable {
  private readonly messages: string[] = []
  private readonly folder = mkdtempSync(join(tmpdir(), 'feedctl-notify-'))
  readonly env = { PATH: process.env.PATH ?? '', NOTIFY_SOCKET: join(this.folder, 'notify') }
  private readonly child = spawn('python3', ['-c', RECEIVER, this.env.NOTIFY_SOCKET], { stdio: ['ignore', 'pipe', 'inherit'] })

  static async create(): Promise<SystemdSocket> {
    const receiver = new SystemdSocket()
    receiver.child.stdout.on('data', (chunk: Buffer) => receiver.messages.push(...chunk.toString().trim().split('\n')))
    await once(receiver.child.stdout, 'data')
    receiver.messages.splice(0)
    return receiver
  }

  /** What was told of the service, oldest first. The program may add messages of its own, which tell nothing of it. */
  told(): string[] {
    return this.messages.filter(message => /=/.test(message) && !message.includes('BARRIER'))
  }

  [Symbol.dispose](): void {
    this.child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
