#pragma once
// The contracts on one page: everything that defines a result. Needs the standard library only.
//
//   base     errors, checked sizes             num      integers and binary32 on bit patterns
//   profile  machines as rows of data          quant    quantization parameters
//   emu      what a row computes: dot products, convolutions, casts, pools, element-wise, exp
//
// The executor (qsim/graph/run.hpp) and the native kernels (qsim/kernels/registry.hpp) are compiled
// libraries of their own: qsim::graph and qsim::kernels.

#include "qsim/base/check.hpp"
#include "qsim/base/checked.hpp"
#include "qsim/base/close.hpp"
#include "qsim/emu/activation.hpp"
#include "qsim/emu/cast.hpp"
#include "qsim/emu/chain.hpp"
#include "qsim/emu/conv.hpp"
#include "qsim/emu/convolve.hpp"
#include "qsim/emu/eltwise.hpp"
#include "qsim/emu/fuse.hpp"
#include "qsim/emu/narrow.hpp"
#include "qsim/emu/patch.hpp"
#include "qsim/emu/pool.hpp"
#include "qsim/num/f32.hpp"
#include "qsim/num/fit.hpp"
#include "qsim/num/minifloat.hpp"
#include "qsim/num/reciprocal.hpp"
#include "qsim/num/round.hpp"
#include "qsim/profile/catalogue.hpp"
#include "qsim/profile/text.hpp"
#include "qsim/quant/spec.hpp"
