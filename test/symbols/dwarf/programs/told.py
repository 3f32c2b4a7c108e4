# What gdb knows of frames: names, lines, inlined calls, variables down to the last number; as dictionaries for JSON.
import gdb


def leaves(value, path, out, depth):
    kind = value.type.strip_typedefs()
    code = kind.code
    if depth > 6:
        return
    if value.is_optimized_out:
        out[path] = None
    elif code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        for number, field in enumerate(kind.fields()):
            if hasattr(field, 'bitpos') and not field.artificial:
                leaves(value[field], path + '.' + (field.name or '#') if not field.is_base_class else path + '.#', out, depth + 1)
    elif code == gdb.TYPE_CODE_ARRAY:
        low, high = kind.range()
        for index in range(low, min(high + 1, low + 8)):
            leaves(value[index], path + '[%d]' % index, out, depth + 1)
    elif code in (gdb.TYPE_CODE_FLT,):
        out[path] = value.format_string(format='z') if kind.sizeof <= 8 else 'long double'
    elif code == gdb.TYPE_CODE_PTR and int(value) == 0 and 'synthetic pointer' in value.format_string():
        # It points to something that has no address.
        out[path] = None
    elif code in (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_PTR):
        out[path] = str(int(value))
    elif code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        out[path] = str(int(value.referenced_value().address))
    else:
        out[path] = 'other'


def variables(frame):
    found = []
    try:
        block = frame.block()
    except RuntimeError:
        return found
    while block:
        for symbol in block:
            if symbol.is_variable or symbol.is_argument or symbol.is_constant:
                out = {}
                try:
                    leaves(symbol.value(frame), '', out, 0)
                except gdb.error as error:
                    out = {'': 'error ' + str(error)}
                found.append({
                    'name': symbol.name,
                    'line': symbol.line,
                    'argument': symbol.is_argument,
                    'static': symbol.addr_class == gdb.SYMBOL_LOC_STATIC,
                    'leaves': out,
                })
        if block.function:
            break
        block = block.superblock
    return found


def told(frame):
    sal = frame.find_sal()
    return {
        'name': frame.name(),
        'line': sal.line,
        'file': sal.symtab.filename if sal.symtab else None,
        'inlined': frame.type() == gdb.INLINE_FRAME,
        'pc': str(frame.pc()),
        'variables': variables(frame),
    }
