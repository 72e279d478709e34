"""Writes the PyTorch files of this folder, and expected.json: what torch.load gives.

python3 make.py  (PyTorch 1.13; the files are small and kept in the repository)
"""
import collections, io, json, pickle, zipfile
import torch

torch.manual_seed(7)
dtypes = {torch.float32: 'F32', torch.float16: 'F16', torch.bfloat16: 'BF16', torch.float64: 'F64',
          torch.int64: 'I64', torch.int32: 'I32', torch.int16: 'I16', torch.int8: 'I8', torch.uint8: 'U8', torch.bool: 'BOOL'}


def odd():
    """Tensors as state dicts have them, in odd places of their storages."""
    d = collections.OrderedDict()
    base = torch.randn(5, 4)
    d['whole'] = base
    d['tied'] = base
    d['rows'] = base[1:3]
    d['columns'] = base[:, 1:3]
    d['transposed'] = base.t()
    d['every_other'] = base.reshape(-1)[::2]
    d['one'] = base[2, 3]
    d['permuted'] = torch.randn(2, 3, 4).permute(2, 0, 1)
    d['conv_channels_last'] = torch.randn(2, 3, 2, 2).to(memory_format=torch.channels_last)
    d['expanded'] = torch.arange(6).expand(1, -1)
    d['repeated'] = torch.randn(3, 2)[:, :1].expand(3, 2)
    d['scalar'] = torch.tensor(2.659)
    d['empty'] = torch.zeros(0, 3)
    d['parameter'] = torch.nn.Parameter(torch.randn(3, 2).t())
    for dtype, name in dtypes.items():
        d['dtype.' + name] = (torch.randn(2, 3) * 20).to(dtype)
    d['dtype.F64'] = torch.tensor([0.1, 1 + 2 ** -24, 1 + 3 * 2 ** -24, -1e-46], dtype=torch.float64)
    d._metadata = {'': {'version': 1}}
    return d


expected = {}


def note(file, d):
    expected[file] = {name: {'dtype': dtypes[t.dtype], 'shape': list(t.shape), 'values': t.detach().to(torch.float32).reshape(-1).tolist()}
                      for name, t in d.items()}


def save(file, value, state=None, **options):
    torch.save(value, file, **options)
    note(file, torch.load(file) if state is None else state)


save('zip.bin', odd())
for protocol in (3, 4, 5):
    save(f'zip_protocol{protocol}.bin', odd(), pickle_protocol=protocol)
save('legacy.bin', odd(), _use_new_zipfile_serialization=False)
save('legacy_protocol4.bin', odd(), _use_new_zipfile_serialization=False, pickle_protocol=4)

# a checkpoint of a training, on several devices
inner = collections.OrderedDict(('module.' + k, torch.randn(2, 2)) for k in ('a', 'b'))
w = torch.nn.Parameter(torch.randn(2, 2))
adam = torch.optim.AdamW([w])
w.sum().backward()
adam.step()
save('training.bin', {
    'epoch': 3, 'best': 0.75, 'name': 'x', 'none': None, 'flags': [True, False], 'seen': {1, 2}, 'big': 2 ** 70, 'negative': -3,
    'arguments': {'lr': 1e-3, 'betas': (0.9, 0.98), 'size': torch.Size([2, 3]), 'device': torch.device('cpu'), 'dtype': torch.float32},
    'model': inner, 'model_ema': None, 'optimizer': adam.state_dict(),
}, state={k[7:]: v for k, v in inner.items()})

# a state dict of Python 2: BINSTRING in place of BINUNICODE, an OrderedDict of pairs
buffer = io.BytesIO()
torch.save({'a': torch.tensor([1., 2.])}, buffer)
z = zipfile.ZipFile(buffer)
data = z.read('archive/data.pkl')
i = data.index(b'X\x01\x00\x00\x00a')
data = data[:i] + b'U\x01a' + data[i + 6:]
data = data.replace(b'}q\x00', b'ccollections\nOrderedDict\nq\x00(](](', 1)
data = data[:data.rindex(b's.')] + b'eetR.'
with zipfile.ZipFile('python2.bin', 'w') as out:
    out.writestr('archive/data.pkl', data)
    out.writestr('archive/data/0', z.read('archive/data/0'))
    out.writestr('archive/version', b'3\n')
note('python2.bin', torch.load('python2.bin'))

# parts of a storage, as torch 0.3 and earlier named them: (key, offset, number of values)
storage = torch.randn(10).storage()


class Part:
    def __init__(self, key, offset, size):
        self.key, self.offset, self.size = key, offset, size

    def __reduce__(self):
        raise TypeError


class Tensor:
    def __init__(self, part, offset, size, stride):
        self.arguments = part, offset, size, stride, False, collections.OrderedDict()

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.arguments


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Part):
            return ('storage', torch.FloatStorage, '77', 'cpu', 10, (value.key, value.offset, value.size) if value.key else None)


with open('legacy_parts.bin', 'wb') as out:
    for value in (0x1950a86a20f9469cfc6c, 1001, {'protocol_version': 1001, 'little_endian': True, 'type_sizes': {'short': 2, 'int': 4, 'long': 4}}):
        pickle.dump(value, out, protocol=2)
    Pickler(out, protocol=2).dump({
        'all': Tensor(Part(None, 0, 0), 0, (2, 5), (5, 1)),
        'part': Tensor(Part('78', 4, 6), 0, (2, 3), (3, 1)),
        'part_transposed': Tensor(Part('78', 4, 6), 1, (2, 2), (1, 2)),
    })
    pickle.dump(['77'], out, protocol=2)
    out.write((10).to_bytes(8, 'little'))
    out.write(b''.join(bytes(memoryview(torch.tensor(list(storage)).numpy()))[i:i + 1] for i in range(40)))
note('legacy_parts.bin', torch.load('legacy_parts.bin'))

json.dump(expected, open('expected.json', 'w'), separators=(',', ':'))
