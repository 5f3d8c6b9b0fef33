// The WGSL that `gpuscope emit DIR` wrote, through Tint at WebGPU's default limits: node tint.mjs PACKAGE DIR, where PACKAGE is a folder with the npm
// package webgpu. Fails where a text without extensions, or with halves alone, is refused, or an entry point has no set that is accepted.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [where, dir] = process.argv.slice(2);
const { create } = await import(pathToFileURL(createRequire(path.join(where, 'x.js')).resolve('webgpu')));
const manifest = JSON.parse(fs.readFileSync(path.join(dir, 'manifest.json')));
const gpu = create(['backend=vulkan']);
const adapter = await gpu.requestAdapter();
const halves = adapter.features.has('shader-f16');
const device = await adapter.requestDevice({ requiredFeatures: halves ? ['shader-f16'] : [] });

const modules = new Map();
async function moduleOf(file) {
  if (!modules.has(file)) {
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code: fs.readFileSync(path.join(dir, 'wgsl', `${file}.wgsl`), 'utf8') });
    const errors = (await module.getCompilationInfo()).messages.filter((m) => m.type === 'error');
    await device.popErrorScope();
    modules.set(file, { module, why: errors.length ? `line ${errors[0].lineNum}: ${errors[0].message}` : '' });
  }
  return modules.get(file);
}

async function refusal({ file, entry }) {
  const { module, why } = await moduleOf(file);
  if (why) return why;
  try {
    await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: entry } });
  } catch (e) {
    return e.message;
  }
  return '';
}

const accepted = new Map();
let [core, refused] = [0, 0];
for (const m of manifest) {
  const why = await refusal(m);
  const name = `${m.shader}::${m.entry}`;
  accepted.set(name, accepted.get(name) || !why);
  if (m.needs.some((need) => need !== 'f16' || !halves)) continue;
  core += 1;
  if (!why) continue;
  refused += 1;
  console.log(`REFUSED ${name} ${m.set}: ${why.replace(/\s+/g, ' ').slice(0, 300)}`);
}
// Variants that have another to stand in for them: the same kernel by other means.
const alone = [...accepted].filter(([name, ok]) => !ok && !/subgroup|_wide|_row|_stem|winograd/.test(name)).map(([name]) => name);
alone.forEach((name) => console.log(`REFUSED in every set: ${name}`));
console.log(`Tint: ${core - refused} of ${core} pipelines without extensions${halves ? ', or with halves,' : ''} accepted; ${accepted.size - alone.length} of ${accepted.size} entry points`);
// dawn.node does not end by itself.
process.exit(refused || alone.length ? 1 : 0);
