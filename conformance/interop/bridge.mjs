// A bridge to test with: the release binary, in processes that end with the
// test, on a database in a directory that goes with it.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

// The binary under test.
export const binary = process.env.BRIDGE_BINARY
if (!binary) {
	console.error('interop: BRIDGE_BINARY names no binary to test; run conformance/run interop')
	process.exit(2)
}

const startLimit = 10_000 // ms, from the start of a server to its address
const stopLimit = 10_000 // ms, from SIGTERM to the end of a server

// What is still running, and where files are. An aborted test leaves neither.
const running = new Set()
const places = new Set()
process.on('exit', () => {
	for (const child of running) child.kill('SIGKILL')
	for (const dir of places) removeDir(dir)
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1))

// A process that was killed a moment ago may still write.
const removeDir = dir => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })

// ends makes sure that a process does not outlive the test, and returns it.
export function ends(child) {
	running.add(child)
	child.once('exit', () => running.delete(child))
	return child
}

// environment is that of every child: settings of the person who runs the test
// don't reach it, nor does it reach their files.
export function environment(place, extra = {}) {
	const kept = Object.entries(process.env).filter(([name]) => !/^(AGENTBRIDGE|MCP)_|^XDG_/.test(name))
	return { ...Object.fromEntries(kept), HOME: place.dir, ...extra }
}

// Place is a directory with a database. Several processes may work on it.
export class Place {
	constructor() {
		this.dir = mkdtempSync(join(tmpdir(), 'agentbridge-interop-'))
		this.db = join(this.dir, 'bridge.db')
		places.add(this.dir)
	}

	// file writes a file that only its owner can read, and returns its path.
	file(name, text) {
		const path = join(this.dir, name)
		writeFileSync(path, text, { mode: 0o600 })
		return path
	}

	// agent makes an agent known and returns its token.
	async agent(name) {
		const args = ['agent', 'add', name, '--json', '--db', this.db]
		const { stdout } = await promisify(execFile)(binary, args, { env: environment(this) })
		return JSON.parse(stdout).token
	}

	remove() {
		places.delete(this.dir)
		removeDir(this.dir)
	}
}

// Server is one `agentbridge serve`.
export class Server {
	// start returns once the server answers. port 0 takes a free one.
	static async start(place, { port = 0, args = [] } = {}) {
		const child = ends(spawn(binary, ['serve', '--db', place.db, '--port', String(port), '--limits', 'off', ...args],
			{ env: environment(place), stdio: ['ignore', 'pipe', 'pipe'] }))
		let log = ''
		child.stderr.setEncoding('utf8').on('data', text => { log += text })
		const late = setTimeout(() => child.kill('SIGKILL'), startLimit)
		let url
		for await (const line of createInterface({ input: child.stdout })) {
			url = line.match(/(http:\/\/\S+)\/mcp\b/)?.[1]
			if (url) break
		}
		clearTimeout(late)
		child.stdout.resume()
		if (!url) throw new Error(`the server said no address: ${log}`)
		return new Server(child, url, () => log)
	}

	constructor(child, url, log) {
		Object.assign(this, { child, url, log, port: Number(new URL(url).port) })
	}

	// kill ends the server without warning, as a crash does.
	async kill() {
		this.child.kill('SIGKILL')
		await this.#ended()
	}

	// stop ends the server as an operator does. It must end by itself, with 0.
	async stop() {
		if (!running.has(this.child)) return
		const late = setTimeout(() => this.child.kill('SIGKILL'), stopLimit)
		this.child.kill('SIGTERM')
		await this.#ended()
		clearTimeout(late)
		if (this.child.exitCode !== 0) {
			throw new Error(`the server ended with ${this.child.exitCode ?? this.child.signalCode}: ${this.log()}`)
		}
	}

	async #ended() {
		if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit')
	}
}
