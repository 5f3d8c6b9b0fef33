// Two floats in one access to a 64-bit integer: what counts where a vector is loaded and stored float by float.
//#include <common/pair.wgsl>
alias Pair = u64;
